// An authenticator on a test platform, with short ways to make credentials and to sign in.
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import type { Fido2Options } from "../../applets/fido2/context.ts";
import { nameOfCtapStatus } from "../../applets/fido2/status.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import {
  type Assertion,
  Command,
  cborMap,
  clientDataHash,
  getAssertionParameters,
  makeCredentialParameters,
  type Registration,
  type Reply,
  send,
  verifyAssertion,
  verifyRegistration,
} from "../support/fido-client.ts";
import { type Members, Permission, PinClient, proof, type Version } from "../support/pin-client.ts";
import { createTestPlatform, createTestTransport, type TestPlatform, type TestTransport } from "../support/platform.ts";

export const PIN = "1234";

export class Fido2Rig {
  readonly platform: TestPlatform = createTestPlatform();
  readonly transport: TestTransport = createTestTransport();
  readonly authenticator: Fido2Authenticator;

  constructor(options: Partial<Fido2Options> = {}) {
    this.authenticator = new Fido2Authenticator(this.platform, options);
  }

  /** With a PIN. */
  static async createProtected(options: Partial<Fido2Options> = {}): Promise<Fido2Rig> {
    const rig = new Fido2Rig(options);
    const { status } = await rig.pinClient().setPin(PIN);
    if (status !== 0) throw new Error(`setPIN answered ${status}`);
    return rig;
  }

  pinClient(version: Version = 2): PinClient {
    return new PinClient(this.authenticator, version, this.transport);
  }

  send(command: number, parameters?: CborMap): Promise<Reply> {
    return send(this.authenticator, command, parameters, this.transport);
  }

  /** authenticatorMakeCredential; `changes` replaces members of a sound request, and undefined removes one. */
  make(changes: Members = {}): Promise<Reply> {
    return this.send(Command.MAKE_CREDENTIAL, makeCredentialParameters(changes));
  }

  /** authenticatorGetAssertion. */
  get(changes: Members = {}): Promise<Reply> {
    return this.send(Command.GET_ASSERTION, getAssertionParameters(changes));
  }

  next(): Promise<Reply> {
    return this.send(Command.GET_NEXT_ASSERTION);
  }

  /** A credential for sure. */
  async register(changes: Members = {}): Promise<Registration> {
    return verifyRegistration(await this.make(changes));
  }

  /** Takes the reply of a registration apart; throws unless it is sound. */
  verify(reply: Reply): Registration {
    return verifyRegistration(reply);
  }

  /** A discoverable credential for sure. */
  registerResident(user: number, changes: Members = {}): Promise<Registration> {
    const id = Buffer.from(`user ${user}`);
    const account = cborMap({ id, name: `name ${user}`, displayName: `Name ${user}` });
    return this.register({ 3: account, 7: cborMap({ rk: true }), ...changes });
  }

  /** An assertion for sure. */
  async signIn(publicKey: CborMap, changes: Members = {}): Promise<Assertion> {
    return verifyAssertion(await this.get(changes), publicKey);
  }

  /** The members with which a registration proves that its user gave the PIN. */
  async proveMake(permissions: number = Permission.MC, rpId = "example.com", version: Version = 2): Promise<Members> {
    return proof(await this.pinClient(version).getToken(PIN, permissions, rpId), clientDataHash, 9, 8);
  }

  /** The members with which an assertion proves that its user gave the PIN. */
  async proveGet(permissions: number = Permission.GA, rpId = "example.com", version: Version = 2): Promise<Members> {
    return proof(await this.pinClient(version).getToken(PIN, permissions, rpId), clientDataHash, 7, 6);
  }
}

export function statusOf({ status }: Reply): string {
  return nameOfCtapStatus(status);
}

export function map(...entries: (readonly [CborValue, CborValue])[]): CborMap {
  return cborMap(entries);
}

/** A byte string as decoding gives it: a Buffer is not deeply equal to it. */
export function bytes(value: Uint8Array | string): Uint8Array {
  return Uint8Array.from(typeof value === "string" ? Buffer.from(value) : value);
}

export function extensions(inputs: Readonly<Record<string, CborValue>>): CborMap {
  return cborMap(inputs);
}
