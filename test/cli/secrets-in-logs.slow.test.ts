// A whole session with the log at its loudest: nothing secret in it, neither what people typed nor what the store holds.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { type CborValue, decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import { attachDevice, openChannel } from "../support/attached-key.ts";
import { Command, cborMap, encodeRequest, makeCredentialParameters } from "../support/fido-client.ts";
import { Agreement, hashPin, padPin } from "../support/pin-client.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { programRig } from "./program.ts";
import { expectNoPieceOf } from "./secret-spellings.ts";

const directory = storeDirectory();
const passphrase = "planted-passphrase";
const rig = programRig(() => ({ LATCHKEY_PASSPHRASE: passphrase }));

it("shows no passphrase, no PIN and no key that is in the store, at the traffic level", async () => {
  const path = join(directory, "store");
  const control = join(directory, "control");
  const pin = "planted-pin";
  const key = await rig.serving("--store", path, "--touch", "auto", "--log-level", "traffic", "--control", control);
  const device = await attachDevice({ host: "127.0.0.1", port: key.port });
  const channel = await openChannel(device);
  for (const rk of [true, false]) {
    const request = encodeRequest(Command.MAKE_CREDENTIAL, makeCredentialParameters({ 7: cborMap({ rk }) }));
    expect((await channel.cbor(request))[0]).toBe(0);
  }
  await channel.cbor(
    encodeRequest(
      Command.GET_ASSERTION,
      cborMap([
        [1, "example.com"],
        [2, new Uint8Array(32)],
      ]),
    ),
  );
  await channel.cbor(Uint8Array.of(0x01, ...encodeCbor(cborMap({ planted: Buffer.from("planted-garbage") }))));

  // PINs: from the owner, through the socket; from the host, right and wrong, and in clear where none belongs.
  let told = "";
  const owner = async (newPin: string, ...args: string[]) => {
    const env = { LATCHKEY_PIN: pin, LATCHKEY_NEW_PIN: newPin };
    const { stdout, stderr } = await rig.run(["fido", ...args, "--control", control], env);
    told += stdout + stderr;
    return stdout + stderr;
  };
  expect(await owner(pin, "set-pin")).toContain("is set.");
  expect(await owner(`planted-${"x".repeat(60)}`, "change-pin")).toContain("at most 63 bytes");
  expect(await owner("planted-other-pin", "set-pin")).toContain("A PIN is set already");
  const clientPin = async (subCommand: number, ...members: readonly (readonly [number, CborValue])[]) =>
    channel.cbor(encodeRequest(0x06, cborMap([[1, 2], [2, subCommand], ...members])));
  const agree = async () => {
    const peer = decodeCborMap((await clientPin(0x02)).subarray(1)).get(1);
    return new Agreement(2, peer instanceof Map ? peer : expect.fail("no key agreement"));
  };
  const wrong = await agree();
  const guess = wrong.encrypt(hashPin("planted-wrong-pin"));
  expect((await clientPin(0x05, [3, wrong.keyAgreement], [6, guess]))[0]).toBe(0x31);
  const right = await agree();
  const newPinEnc = right.encrypt(padPin("planted-new-pin"));
  const pinHashEnc = right.encrypt(hashPin(pin));
  const param = right.authenticate(Buffer.concat([newPinEnc, pinHashEnc]));
  const change = [
    [3, right.keyAgreement],
    [4, param],
    [5, newPinEnc],
    [6, pinHashEnc],
  ] as const;
  expect((await clientPin(0x04, ...change))[0]).toBe(0x00);
  await clientPin(0x03, [3, right.keyAgreement], [4, param], [5, padPin("planted-clear-pin")]);
  await clientPin(0x03, [5, "planted-text-pin"]);
  const hashes = [pin, "planted-wrong-pin", "planted-new-pin"].map(hashPin);

  await device.detach();
  key.child.kill("SIGTERM");
  await once(key.child, "close");

  const log = key.stdout + key.stderr + told;
  expect(log).toContain("traffic");
  expect(log).not.toContain("planted");
  const store = await FileKeyStore.open(path, { kind: "passphrase", passphrase });
  const secrets = [...hashes, ...[...store.keys("fido2/")].map((key) => store.get(key) as Uint8Array)];
  await store.close();
  expect(secrets.length).toBeGreaterThanOrEqual(2);
  expectNoPieceOf(secrets, log);
  expect(readFileSync(path).includes("planted")).toBe(false);
});
