/**
 * U2F through hidraw: libfido2's programs made to speak it, and u2f-host, whose answers are verified here.
 * FIDO U2F Raw Message Formats 1.2 §4.3 (registration response), §5.4 (authentication response).
 */
import { createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { attachHid, kernelComplaints } from "./attach.ts";
import { getAssertion, makeCredential, tryGetAssertion } from "./fido2-tools.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const origin = "https://example.com";
const applicationParameter = sha256(origin);

function sha256(data: string | Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}

/** A raw P-256 point as a key that node:crypto verifies with. */
function publicKeyOf(point: Buffer) {
  const spkiHead = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex");
  return createPublicKey({ key: Buffer.concat([spkiHead, point]), format: "der", type: "spki" });
}

describeInGuest("U2F", { packages: ["fido2-tools", "u2f-host"] }, (vm) => {
  let hidraw: string;

  beforeAll(async () => {
    const key = await startKey(["--ephemeral", "--touch", "auto"]);
    vm.keys.push(key);
    ({ hidraw } = await attachHid(vm.guest, key.port));
  });

  test("fido2-cred -M -u registers and fido2-assert -G -u authenticates", async () => {
    const credential = await makeCredential(vm.guest, hidraw, { u2f: true });
    const first = await getAssertion(vm.guest, hidraw, credential, { u2f: true });
    const second = await getAssertion(vm.guest, hidraw, credential, { u2f: true });
    expect(second.authenticatorData.readUInt32BE(33)).toBeGreaterThan(first.authenticatorData.readUInt32BE(33));
  });

  test("what U2F registered, FIDO2 asserts, and the other way round", async () => {
    const overU2f = await makeCredential(vm.guest, hidraw, { u2f: true });
    await getAssertion(vm.guest, hidraw, overU2f);
    const overFido2 = await makeCredential(vm.guest, hidraw);
    await getAssertion(vm.guest, hidraw, overFido2, { u2f: true });
  });

  test("another application's key handle is refused", async () => {
    const credential = await makeCredential(vm.guest, hidraw, { u2f: true });
    const other = await tryGetAssertion(vm.guest, hidraw, credential, { u2f: true, rpId: "evil.example" });
    expect(other).toMatchObject({ code: 1, output: expect.stringMatching(/FIDO_ERR_NO_CREDENTIALS/) });
  });

  test("u2f-host registers and authenticates", async () => {
    const challenge = { challenge: Buffer.alloc(32, 7).toString("base64url"), version: "U2F_V2", appId: origin };
    const registered = await u2fHost<{ registrationData: string; clientData: string }>("register", challenge);
    const data = Buffer.from(registered.registrationData, "base64url");
    const keyHandleLength = data.readUInt8(66);
    const point = data.subarray(1, 66);
    const keyHandle = data.subarray(67, 67 + keyHandleLength);
    const certificateAndSignature = data.subarray(67 + keyHandleLength);
    const certificate = new X509Certificate(certificateAndSignature);
    const signature = certificateAndSignature.subarray(certificate.raw.length);
    expect(data.readUInt8(0)).toBe(5);
    const signed = Buffer.concat([
      Buffer.from([0]),
      applicationParameter,
      clientDataHash(registered),
      keyHandle,
      point,
    ]);
    expect(verify("sha256", signed, certificate.publicKey, signature)).toBe(true);
    // The certificate is made for this registration: self-signed, over the credential's own key.
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.publicKey.equals(publicKeyOf(point))).toBe(true);

    const query = { ...challenge, keyHandle: keyHandle.toString("base64url") };
    const signedIn = await u2fHost<{ signatureData: string; clientData: string }>("authenticate", query);
    const answer = Buffer.from(signedIn.signatureData, "base64url");
    expect(answer.readUInt8(0)).toBe(1); // user present
    const message = Buffer.concat([applicationParameter, answer.subarray(0, 5), clientDataHash(signedIn)]);
    expect(verify("sha256", message, publicKeyOf(point), answer.subarray(5))).toBe(true);
  });

  function clientDataHash({ clientData }: { clientData: string }): Buffer {
    return sha256(Buffer.from(clientData, "base64url"));
  }

  async function u2fHost<T>(action: string, challenge: unknown): Promise<T> {
    const script = `u2f-host -a ${action} -o ${origin}`;
    return JSON.parse(await vm.guest.ok(script, { input: JSON.stringify(challenge), timeoutMs: 60_000 })) as T;
  }

  test("leaves no complaint in the kernel's log", async () => {
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});
