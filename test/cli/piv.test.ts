// `latchkey piv …` on the store of a key that does not run. (On one that runs: test/control/piv-administration.test.ts.)
import { beforeEach, expect, test } from "vitest";
import { openStore } from "../../src/cli/open-store.ts";
import { pivInfo, pivReset } from "../../src/cli/piv.ts";
import { createSelectedPiv } from "../piv/rig.ts";
import { Algorithm, statusOf } from "../support/piv-client.ts";
import { commandRig } from "./rig.ts";

const { around, printed, print, usualStore, makeStore } = commandRig();

beforeEach(async () => {
  await makeStore();
  const store = await openStore({ store: usualStore() }, around);
  const { client } = await createSelectedPiv({ store });
  await client.authenticate();
  await client.generate(0x9a, Algorithm.P256);
  await client.putObject(0x5fc105, new Uint8Array(10));
  await client.putObject(0x5fc102, new Uint8Array(10));
  for (let i = 0; i < 3; i++) await statusOf(client.verifyPin("000000"));
  await store.close();
});

test("shows what there is, and resets it", async () => {
  await pivInfo({ json: false }, around, print);
  expect(printed.splice(0)).toEqual([
    "PIN             blocked, the default one",
    "PUK             3 of 3 tries left, the default one",
    "management key  AES-192, the default one",
    "slot 9a         ECC P-256, generated, PIN once, touch never; certificate",
    "slot f9         ECC P-256, generated, PIN once, touch never; certificate of Latchkey PIV Attestation",
    "objects         3",
  ]);
  await expect(pivReset({ json: false, yes: false }, around, print)).rejects.toThrow("--yes");
  await pivReset({ json: false, yes: true }, around, print);
  expect(printed.splice(0)).toEqual(["The PIV part of this key is as new."]);
  await pivInfo({ json: false }, around, print);
  expect(printed.splice(0)).toEqual([
    "PIN             3 of 3 tries left, the default one",
    "PUK             3 of 3 tries left, the default one",
    "management key  AES-192, the default one",
    "slot f9         ECC P-256, generated, PIN once, touch never; certificate of Latchkey PIV Attestation",
    "objects         1",
  ]);
});

test("says the same as JSON", async () => {
  await pivInfo({ json: true }, around, print);
  expect(JSON.parse(printed.splice(0).join())).toMatchObject({
    pin: { triesLeft: 0, maxTries: 3 },
    slots: [{ slot: "9a", algorithm: "ECC P-256" }, { slot: "f9" }],
    objects: 3,
  });
  await pivReset({ json: true, yes: true }, around, print);
  expect(JSON.parse(printed.splice(0).join())).toEqual({ erased: { keys: 1, objects: 2 } });
});
