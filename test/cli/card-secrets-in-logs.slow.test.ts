// The same for the card and the keyboard: PINs, keys and secrets that clients and the owner bring, at the traffic level.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { encodeCommandApdu } from "../../src/iso7816/apdu.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import { attachDevice } from "../support/attached-key.ts";
import { CcidClient } from "../support/ccid-client.ts";
import { Algorithm, PivClient, padPin, statusOf } from "../support/piv-client.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { programRig } from "./program.ts";
import { expectNoPieceOf, expectNoWord } from "./secret-spellings.ts";

const directory = storeDirectory();
const passphrase = "planted-passphrase";
const rig = programRig(() => ({ LATCHKEY_PASSPHRASE: passphrase }));

const text = (word: string) => Buffer.from(word);

test("No PIN, key or secret of the card's applications is in the log at the traffic level", async () => {
  const path = join(directory, "store");
  const control = join(directory, "control");
  const key = await rig.serving("--store", path, "--touch", "auto", "--log-level", "traffic", "--control", control);
  const device = await attachDevice({ host: "127.0.0.1", port: key.port });
  const reader = await CcidClient.open(device);
  await reader.powerOn();
  const exchange = (command: Uint8Array) => reader.transmit(command);
  const send = async (ins: number, p1: number, p2: number, data: Uint8Array) =>
    toHex((await exchange(encodeCommandApdu({ ins, p1, p2, data, le: 65_536, extended: true }))).subarray(-2));

  // OpenPGP: passwords right, wrong and new, a data object, a resetting code, an AES key, a key pair made on the card.
  expect(await send(0xa4, 0x04, 0x00, fromHex("d27600012401"))).toBe("9000");
  expect(await send(0x20, 0x00, 0x81, text("planted-guess"))).toMatch(/^6/);
  expect(await send(0x24, 0x00, 0x81, text("123456planted-pw1"))).toBe("9000");
  expect(await send(0x20, 0x00, 0x82, text("planted-pw1"))).toBe("9000");
  expect(await send(0x24, 0x00, 0x83, text("12345678planted-pw3"))).toBe("9000");
  expect(await send(0x20, 0x00, 0x83, text("planted-pw3"))).toBe("9000");
  expect(await send(0xda, 0x01, 0x03, text("planted-private-object"))).toBe("9000");
  expect(await send(0xda, 0x00, 0xd3, text("planted-resetting-code"))).toBe("9000");
  expect(await send(0xda, 0x00, 0xd5, text("planted-aes-key!"))).toBe("9000");
  expect(await send(0xda, 0x00, 0xc1, fromHex("16 2b06010401da470f01"))).toBe("9000");
  expect(await send(0x47, 0x80, 0x00, fromHex("b600"))).toBe("9000");

  // PIV: PIN and PUK, another management key, a key pair made and one brought.
  const piv = new PivClient(exchange);
  await piv.select();
  expect(await statusOf(piv.verifyPin("plantedX"))).not.toBe(0x9000);
  await piv.changePin("123456", "plantedN");
  await piv.changePuk("12345678", "plantedK");
  await piv.authenticate();
  await piv.generate(0x9a, Algorithm.P256);
  await piv.importKey(0x9d, Algorithm.P256, encodeTlv(0x06, text("planted-scalar-of-exactly-32-byt")));
  await piv.setManagementKey(Algorithm.AES192, text("planted-management-key-x"));
  expect(await send(0x20, 0x00, 0x80, concat(padPin("plantedN"), text("planted")))).toMatch(/^6/);

  // OATH: an account and an access code. OTP: a challenge-response secret by the owner.
  expect(await send(0xa4, 0x04, 0x00, fromHex("a0000005272101"))).toBe("9000");
  const secret = concat(fromHex("2106"), text("planted-oath-secret"));
  expect(await send(0x01, 0x00, 0x00, concat(encodeTlv(0x71, text("a")), encodeTlv(0x73, secret)))).toBe("9000");
  expect(await send(0x03, 0x00, 0x00, encodeTlv(0x73, text("!planted-access-key")))).toMatch(/^6/);
  const secretFile = join(directory, "secret");
  writeFileSync(secretFile, toHex(text("planted-hmac-secret!")), { mode: 0o600 });
  const uriFile = join(directory, "uri");
  writeFileSync(uriFile, "otpauth://totp/b?secret=OBWGC3TUMVSC233BORUC2MI", { mode: 0o600 });
  const said = [
    await rig.run(["otp", "set", "2", "chalresp", "--secret-file", secretFile, "--control", control]),
    await rig.run(["oath", "add", "--uri-file", uriFile, "--control", control]),
  ];
  expect(said.map(({ status }) => status)).toEqual([0, 0]);

  await device.detach();
  key.child.kill("SIGTERM");
  await once(key.child, "close");
  const log = [key, ...said].map(({ stdout, stderr }) => stdout + stderr).join("\n");
  expect(log).toContain("traffic");
  expectNoWord("planted", log);
  expect(log).not.toContain("OBWGC3TUMVSC233BORUC2MI");
  const store = await FileKeyStore.open(path, { kind: "passphrase", passphrase });
  const keys = ["openpgp/", "piv/", "oath/", "otp/"].map((prefix) => [...store.keys(prefix)]);
  for (const applet of keys) expect(applet.length).toBeGreaterThan(0);
  expectNoPieceOf(
    keys.flat().map((name) => store.get(name) as Uint8Array),
    log,
  );
  await store.close();
}, 60_000);
