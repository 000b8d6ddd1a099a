// A U2F relying party with its client: registers, signs in, and verifies both. FIDO U2F Raw Message Formats 1.2 §4, §5
import { createHash, createPublicKey, type KeyObject, randomBytes, verify, X509Certificate } from "node:crypto";
import type { CtapHidClient } from "../support/ctaphid-client.ts";

const APPLICATION = createHash("sha256").update("https://bench.example").digest();
const REGISTER = 0x01;
const AUTHENTICATE = 0x02;
const ENFORCE_USER_PRESENCE = 0x03;
const CONDITIONS_NOT_SATISFIED = 0x6985;
const NO_ERROR = 0x9000;
/** SubjectPublicKeyInfo of a P-256 key, up to its point. RFC 5480 */
const P256_PREFIX = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex");

export interface U2fRegistration {
  readonly keyHandle: Buffer;
  readonly publicKey: KeyObject;
}

/** Registers, and gives a check that throws unless the response is sound. */
export async function register(client: CtapHidClient): Promise<() => U2fRegistration> {
  const challenge = randomBytes(32);
  const response = await exchange(client, REGISTER, 0, Buffer.concat([challenge, APPLICATION]));
  return () => verifyRegistration(response, challenge);
}

/** Signs in with a registration, and gives a check that throws unless its key signed. */
export async function authenticate(client: CtapHidClient, registration: U2fRegistration): Promise<() => void> {
  const { keyHandle, publicKey } = registration;
  const challenge = randomBytes(32);
  const data = Buffer.concat([challenge, APPLICATION, Buffer.of(keyHandle.length), keyHandle]);
  const response = await exchange(client, AUTHENTICATE, ENFORCE_USER_PRESENCE, data);
  return () => {
    const signed = Buffer.concat([APPLICATION, response.subarray(0, 5), challenge]);
    if (response[0] !== 1) throw new Error("no user presence in the response");
    if (!verify("sha256", signed, publicKey, response.subarray(5))) throw new Error("the signature is not valid");
  };
}

function verifyRegistration(response: Buffer, challenge: Buffer): U2fRegistration {
  if (response[0] !== 0x05) throw new Error("the reserved byte of the response is not 05");
  const point = response.subarray(1, 66);
  const keyHandle = response.subarray(67, 67 + response.readUInt8(66));
  const rest = response.subarray(67 + keyHandle.length);
  const certificate = rest.subarray(0, 4 + rest.readUInt16BE(2)); // a SEQUENCE with two bytes of length
  const signature = rest.subarray(certificate.length);
  const signed = Buffer.concat([Buffer.of(0), APPLICATION, challenge, keyHandle, point]);
  const attestationKey = new X509Certificate(certificate).publicKey;
  if (!verify("sha256", signed, attestationKey, signature)) throw new Error("the attestation is not valid");
  const publicKey = createPublicKey({ key: Buffer.concat([P256_PREFIX, point]), format: "der", type: "spki" });
  return { keyHandle, publicKey };
}

/** One request in extended encoding; asked again while the touch is missing, as a browser does. */
async function exchange(client: CtapHidClient, instruction: number, p1: number, data: Buffer): Promise<Buffer> {
  const apdu = Buffer.concat([Buffer.of(0, instruction, p1, 0, 0, 0, data.length), data, Buffer.of(0, 0)]);
  for (;;) {
    const response = Buffer.from(await client.msg(apdu));
    const status = response.readUInt16BE(response.length - 2);
    if (status === NO_ERROR) return response.subarray(0, -2);
    if (status !== CONDITIONS_NOT_SATISFIED) throw new Error(`U2F answered ${status.toString(16)}`);
  }
}
