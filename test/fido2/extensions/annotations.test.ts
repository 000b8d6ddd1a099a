import { describe, expect, test } from "vitest";
import { cborMap, descriptor } from "../../support/fido-client.ts";
import { extensions, Fido2Rig } from "../rig.ts";

describe("minPinLength and pinComplexityPolicy", () => {
  const asked = { 6: extensions({ minPinLength: true, pinComplexityPolicy: true }) };

  test("are told to the relying parties that setMinPINLength named, and to no other", async () => {
    const rig = new Fido2Rig({ pinComplexity: true });
    const params = cborMap([
      [1, 6],
      [2, ["example.com"]],
    ]);
    expect((await rig.pinClient().configure(0x03, params)).status).toBe(0);
    const outputs = (await rig.register(asked)).authData.extensions;
    expect(outputs).toEqual(extensions({ minPinLength: 6, pinComplexityPolicy: true }));
    const other = await rig.register({ ...asked, 2: cborMap({ id: "example.org" }) });
    expect([other.authData.extensions.size, other.authData.flags]).toEqual([0, 0x41]);
  });

  test("answer nothing to false, and refuse other types", async () => {
    const rig = new Fido2Rig();
    await rig.pinClient().configure(0x03, cborMap([[2, ["example.com"]]]));
    const declined = await rig.register({ 6: extensions({ minPinLength: false, pinComplexityPolicy: false }) });
    expect(declined.authData.extensions.size).toBe(0);
    expect((await rig.register(asked)).authData.extensions.get("pinComplexityPolicy")).toBe(false);
    expect((await rig.make({ 6: extensions({ minPinLength: 1 }) })).status).toBe(0x11);
    expect((await rig.make({ 6: extensions({ pinComplexityPolicy: "yes" }) })).status).toBe(0x11);
  });
});

describe("thirdPartyPayment", () => {
  const asked = extensions({ thirdPartyPayment: true });

  test.each([true, false])("is remembered, and told with assertions alone, discoverable: %s", async (rk) => {
    const rig = new Fido2Rig();
    for (const enabled of [true, false]) {
      const inputs = enabled ? { 6: asked } : {};
      const { authData, publicKey, credentialId } = await rig.register({ ...inputs, 7: cborMap({ rk }) });
      expect(authData.extensions.size).toBe(0);
      rig.authenticator.powerCycle();
      const assertion = await rig.signIn(publicKey, { 3: [descriptor(credentialId)], 4: asked });
      expect(assertion.authData.extensions).toEqual(extensions({ thirdPartyPayment: enabled }));
      expect((await rig.signIn(publicKey, { 3: [descriptor(credentialId)] })).authData.flags).toBe(0x01);
    }
  });

  test("of another type is refused", async () => {
    const rig = new Fido2Rig();
    expect((await rig.make({ 6: extensions({ thirdPartyPayment: 1 }) })).status).toBe(0x11);
    expect((await rig.get({ 4: extensions({ thirdPartyPayment: 1 }) })).status).toBe(0x11);
  });
});

describe("uvm", () => {
  const asked = extensions({ uvm: true });

  test("tells a PIN from a touch, and a touch from nothing; keys and matcher are software", async () => {
    const rig = await Fido2Rig.createProtected();
    const { publicKey, authData, credentialId } = await rig.register({ 6: asked });
    expect(authData.extensions.get("uvm")).toEqual([[0x0001, 1, 1]]);
    const request = { 3: [descriptor(credentialId)], 4: asked };
    const verified = await rig.signIn(publicKey, { ...request, ...(await rig.proveGet()) });
    expect(verified.authData.extensions.get("uvm")).toEqual([[0x0800, 1, 1]]);
    const silent = await rig.signIn(publicKey, { ...request, 5: cborMap({ up: false }) });
    expect(silent.authData.extensions.get("uvm")).toEqual([[0x0200, 1, 1]]);
  });

  test("claims no more than presence for somebody who answered a prompt", async () => {
    const rig = new Fido2Rig({ uv: "auto" });
    const { authData } = await rig.register({ 6: asked, 7: cborMap({ uv: true }) });
    expect([authData.flags, authData.extensions.get("uvm")]).toEqual([0xc5, [[0x0001, 1, 1]]]);
  });

  test("answers nothing to false", async () => {
    const rig = new Fido2Rig();
    const { authData, publicKey, credentialId } = await rig.register({ 6: extensions({ uvm: false }) });
    expect(authData.flags).toBe(0x41);
    const request = { 3: [descriptor(credentialId)], 4: extensions({ uvm: false }) };
    expect((await rig.signIn(publicKey, request)).authData.flags).toBe(0x01);
  });
});

test("All extensions together answer in one canonical map", async () => {
  const rig = new Fido2Rig();
  const inputs = {
    credBlob: Buffer.of(1),
    credProtect: 2,
    "hmac-secret": true,
    largeBlobKey: true,
    uvm: true,
    none: 1,
  };
  const { authData } = await rig.register({ 6: extensions(inputs), 7: cborMap({ rk: true }) });
  expect([...authData.extensions.keys()]).toEqual(["uvm", "credBlob", "credProtect", "hmac-secret"]);
});
