/**
 * libfido2's command line programs, in the guest. Input and output formats: fido2-cred(1), fido2-assert(1).
 */
import type { Guest, JobResult } from "./guest.ts";

export type CredentialType = "es256" | "eddsa";

export interface CredentialOptions {
  readonly type?: CredentialType;
  /** Discoverable: kept by the key, found without its id. */
  readonly resident?: boolean;
  /** Over U2F, as with a key that knows no FIDO2. */
  readonly u2f?: boolean;
  readonly rpId?: string;
  readonly userName?: string;
}

/** A credential in the guest's file system: its id (base64) and public key (PEM), as `fido2-cred -V` gave them. */
export interface Credential {
  readonly directory: string;
  readonly rpId: string;
  readonly userId: string;
  readonly type: CredentialType;
  readonly id: string;
}

/** base64 */
export const clientDataHash = Buffer.alloc(32, 0xc5).toString("base64");
let nextDirectory = 1;

/** Runs `fido2-cred -M` alone: what it says and how it ends. */
export function tryMakeCredential(guest: Guest, hidraw: string, options: CredentialOptions = {}): Promise<JobResult> {
  return guest.run(makeScript(`/tmp/tried-${nextDirectory++}`, hidraw, options), { timeoutMs: 60_000 });
}

function makeScript(directory: string, hidraw: string, options: CredentialOptions): string {
  const { type = "es256", resident = false, u2f = false, rpId = "example.com", userName = "alice" } = options;
  const userId = userIdOf(userName);
  const flags = `${resident ? "-r " : ""}${u2f ? "-u " : ""}`;
  return `mkdir -p ${directory} && cd ${directory}
    printf '%s\\n' '${clientDataHash}' '${rpId}' '${userName}' '${userId}' > parameters
    fido2-cred -M ${flags}-i parameters -o made ${hidraw} ${type}`;
}

/** Makes a credential and has libfido2 verify its attestation. @throws with the program's output */
export async function makeCredential(
  guest: Guest,
  hidraw: string,
  options: CredentialOptions = {},
): Promise<Credential> {
  const { type = "es256", rpId = "example.com", userName = "alice" } = options;
  const directory = `/tmp/credential-${nextDirectory++}`;
  const id = await guest.ok(
    `set -e
    ${makeScript(directory, hidraw, options)}
    fido2-cred -V -i made -o verified ${type}
    tail -n +2 verified > public.pem
    head -n 1 verified`,
    { timeoutMs: 60_000 },
  );
  return { directory, rpId, userId: userIdOf(userName), type, id: id.trim() };
}

export interface AssertionOptions {
  /** Lets the key find the credential by the rpId alone. */
  readonly resident?: boolean;
  readonly u2f?: boolean;
  /** Asks for another credential id than the credential's own (base64). */
  readonly id?: string;
  readonly rpId?: string;
}

/** Runs `fido2-assert -G` alone. */
export function tryGetAssertion(
  guest: Guest,
  hidraw: string,
  credential: Credential,
  options: AssertionOptions = {},
): Promise<JobResult> {
  const { resident = false, u2f = false, id = credential.id, rpId = credential.rpId } = options;
  const flags = `${resident ? "-r " : ""}${u2f ? "-u " : ""}`;
  return guest.run(
    `cd ${credential.directory}
    printf '%s\\n' '${clientDataHash}' '${rpId}' ${resident ? "" : `'${id}'`} > query
    fido2-assert -G ${flags}-i query ${hidraw} ${credential.type} > assertion && cat assertion`,
    { timeoutMs: 60_000 },
  );
}

export interface Assertion {
  readonly authenticatorData: Buffer;
  readonly signature: Buffer;
  /** base64, of a discoverable credential. */
  readonly userId: string | undefined;
}

/** Gets an assertion and has libfido2 verify its signature with the credential's public key. @throws with the program's output */
export async function getAssertion(
  guest: Guest,
  hidraw: string,
  credential: Credential,
  options: AssertionOptions = {},
): Promise<Assertion> {
  const { code, output } = await tryGetAssertion(guest, hidraw, credential, options);
  if (code !== 0) throw new Error(`fido2-assert -G ended with ${code}: ${output}`);
  await guest.ok(`cd ${credential.directory} && fido2-assert -V -i assertion public.pem ${credential.type}`);
  // Client data hash, rpId, authenticator data as CBOR byte string (0x58 and one byte of length here), signature, user id.
  const [, , authenticatorData = "", signature = "", userId] = output.trim().split("\n");
  return {
    authenticatorData: Buffer.from(authenticatorData, "base64").subarray(2),
    signature: Buffer.from(signature, "base64"),
    userId,
  };
}

/** The user id (base64) that belongs to a user name here. */
export function userIdOf(userName: string): string {
  return Buffer.from(`id of ${userName}`).toString("base64");
}
