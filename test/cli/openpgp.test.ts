// `latchkey openpgp`, on the store of a key that does not run. What it does on one that runs: test/native/gpg-touch.test.ts.
import { beforeEach, expect, test } from "vitest";
import { Failure } from "../../src/cli/failure.ts";
import { openPgpInfo, openPgpReset, openPgpSetTouch } from "../../src/cli/openpgp.ts";
import { commandRig } from "./rig.ts";

const { around, printed, print, makeStore } = commandRig();
const plain = { json: false, yes: false };

beforeEach(makeStore);

async function lines(run: Promise<void>): Promise<string[]> {
  await run;
  return printed.splice(0);
}

test("info shows a new card", async () => {
  const shown = await lines(openPgpInfo(plain, around, print));
  expect(shown[0]).toMatch(/^Key [0-9a-f]{16}, OpenPGP card d276000124010304fffe[0-9]{8}0000, version 3\.4$/);
  expect(shown.slice(1)).toEqual([
    "  tries left: PIN 3, resetting code 0, admin PIN 3",
    "  PIN for signatures: for each",
    "  signatures made: 0",
    "  signature key: none (RSA 2048), touch off",
    "  decryption key: none (RSA 2048), touch off",
    "  authentication key: none (RSA 2048), touch off",
    "  attestation key: none (P-256), touch off",
  ]);
  const [text = ""] = await lines(openPgpInfo({ json: true }, around, print));
  expect(JSON.parse(text)).toMatchObject({ version: "3.4", tries: { pw1: 3, resettingCode: 0, pw3: 3 } });
});

test("set-touch sets a policy, and asks before it fixes one", async () => {
  expect(await lines(openPgpSetTouch("dec", "cached", plain, around, print))).toEqual([
    "The touch policy of the decryption key is cached.",
  ]);
  const fixing = openPgpSetTouch("sig", "fixed", plain, around, print);
  await expect(fixing).rejects.toThrow(new Failure("This cannot be undone: say --yes if you mean it."));
  await openPgpSetTouch("sig", "fixed", { json: true, yes: true }, around, print);
  expect(JSON.parse(printed.splice(0)[0] ?? "").keys[0]).toMatchObject({ key: "sig", touch: "fixed" });
  await expect(openPgpSetTouch("sig", "off", plain, around, print)).rejects.toThrow(/fixed: only a reset/);
});

test("reset asks first, and makes the card as new", async () => {
  await openPgpSetTouch("aut", "on", plain, around, print);
  await expect(openPgpReset(plain, around, print)).rejects.toThrow(/say --yes/);
  printed.length = 0;
  expect(await lines(openPgpReset({ json: false, yes: true }, around, print))).toEqual([
    expect.stringMatching(/^The OpenPGP card of key [0-9a-f]{16} is as new: its PINs are 123456 and 12345678\.$/),
  ]);
  expect((await lines(openPgpInfo(plain, around, print))).join("\n")).toMatch(/authentication key: .*touch off/);
});
