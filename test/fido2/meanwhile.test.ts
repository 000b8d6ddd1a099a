// What its owner does to the key while a request waits for the touch: the request goes by what is so afterwards.
import { expect, test } from "vitest";
import { cborMap, descriptor } from "../support/fido-client.ts";
import type { Members } from "../support/pin-client.ts";
import { Fido2Rig, statusOf } from "./rig.ts";

const rk: Members = { 7: cborMap({ rk: true }) };

/** `deed` runs before the next touches are given. */
function beforeTouch({ platform }: Fido2Rig, deed: () => Promise<unknown>): void {
  platform.presence.request = async () => {
    await deed();
    return "granted";
  };
}

test("A key that its owner resets while it waits for the touch signs with nothing that it erased", async () => {
  for (const members of [rk, {}]) {
    const rig = new Fido2Rig();
    const { credentialId } = await rig.register(members);
    beforeTouch(rig, () => rig.authenticator.reset());
    expect(statusOf(await rig.get({ 3: [descriptor(credentialId)] }))).toBe("CTAP2_ERR_OPERATION_DENIED");
  }
});

test("Nor does it make a credential for whom the erased PIN verified", async () => {
  const rig = await Fido2Rig.createProtected();
  const proof = await rig.proveMake();
  beforeTouch(rig, () => rig.authenticator.reset());
  expect(statusOf(await rig.make({ ...rk, ...proof }))).toBe("CTAP2_ERR_OPERATION_DENIED");
  expect(rig.authenticator.credentials.discoverableCount).toBe(0);
});

test("A credential that its owner deletes while it waits for the touch does not sign", async () => {
  const rig = new Fido2Rig();
  const { credentialId } = await rig.register(rk);
  const { credentials } = rig.authenticator;
  beforeTouch(rig, async () => {
    const stored = credentials.findStored(credentialId);
    if (stored !== undefined) await credentials.delete(stored);
  });
  expect(statusOf(await rig.get())).toBe("CTAP2_ERR_NO_CREDENTIALS");
});
