// The FIDO2 authenticator: CTAP2's commands, one line each, and the one place where their errors become a status byte.
// CTAP 2.3 §6 "Authenticator API", §8.1 "Command codes", §8.2 "Status codes"
import { concat } from "../../src/bytes/concat.ts";
import { type CborMap, encodeCbor } from "../../src/cbor.ts";
import type { Platform } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import { clientPin } from "./client-pin.ts";
import { config } from "./config.ts";
import type { Fido2Context, Fido2Options } from "./context.ts";
import { credentialManagement, credentialManagementPrototype } from "./credential-management.ts";
import { Credentials } from "./credentials.ts";
import { getAssertion } from "./get-assertion.ts";
import { getInfo } from "./get-info.ts";
import { getNextAssertion } from "./get-next-assertion.ts";
import { Identity } from "./identity.ts";
import { largeBlobs } from "./large-blobs.ts";
import { makeCredential } from "./make-credential.ts";
import { PersistentToken } from "./persistent-token.ts";
import { Pin } from "./pin.ts";
import { PinUvAuthProtocol } from "./pin-uv-auth-protocol.ts";
import { PinUvAuthToken } from "./pin-uv-auth-token.ts";
import { reset, resetAuthenticator } from "./reset.ts";
import { selection } from "./selection.ts";
import { Settings } from "./settings.ts";
import { Fido2State } from "./state.ts";
import { CtapError, CtapStatus, nameOfCtapStatus } from "./status.ts";

/** Handles the parameters after the command byte; resolves with the response map, or undefined where there is none. */
type Handler = (context: Fido2Context, data: Uint8Array, transport: Transport) => Promise<CborMap | undefined>;

const GET_NEXT_ASSERTION = 0x08;
const CREDENTIAL_MANAGEMENT = 0x0a;
const LARGE_BLOBS = 0x0c;
const CREDENTIAL_MANAGEMENT_PROTOTYPE = 0x41;

const commands: ReadonlyMap<number, readonly [name: string, handler: Handler]> = new Map([
  [0x01, ["authenticatorMakeCredential", makeCredential]],
  [0x02, ["authenticatorGetAssertion", getAssertion]],
  [0x04, ["authenticatorGetInfo", getInfo]],
  [0x06, ["authenticatorClientPIN", clientPin]],
  [0x07, ["authenticatorReset", reset]],
  [GET_NEXT_ASSERTION, ["authenticatorGetNextAssertion", getNextAssertion]],
  [CREDENTIAL_MANAGEMENT, ["authenticatorCredentialManagement", credentialManagement]],
  [0x0b, ["authenticatorSelection", selection]],
  [LARGE_BLOBS, ["authenticatorLargeBlobs", largeBlobs]],
  [0x0d, ["authenticatorConfig", config]],
  [
    CREDENTIAL_MANAGEMENT_PROTOTYPE,
    ["the prototype of authenticatorCredentialManagement", credentialManagementPrototype],
  ],
]);

/** The largest message of CTAPHID. CTAP 2.3 §11.2.4 */
const MAX_MSG_SIZE = 7609;

const defaults: Fido2Options = {
  maxMsgSize: MAX_MSG_SIZE,
  uv: "off",
  pinComplexity: false,
  allAlgorithms: false,
  pqc: false,
  largeBlob: "command",
  u2f: () => true,
  firmwareVersion: 1,
  transports: ["usb"],
};

export class Fido2Authenticator {
  /** Shared with the U2F applet: the two protocols see the same credentials. CTAP 2.3 §10 */
  readonly credentials: Credentials;
  readonly #context: Fido2Context;

  constructor(platform: Platform, options: Partial<Fido2Options> = {}) {
    this.credentials = new Credentials(platform);
    const settings = new Settings(platform);
    const persistentToken = new PersistentToken(platform);
    // Protocol two first: a platform that knows both takes the first that it knows.
    const protocols = [new PinUvAuthProtocol(2, platform), new PinUvAuthProtocol(1, platform)];
    this.#context = {
      platform,
      options: { ...defaults, ...options },
      credentials: this.credentials,
      state: new Fido2State(platform.clock),
      settings,
      pin: new Pin(platform, settings),
      token: new PinUvAuthToken(platform),
      persistentToken,
      identity: new Identity(platform, persistentToken, this.credentials),
      protocols: new Map(protocols.map((protocol) => [protocol.version, protocol])),
    };
  }

  /** Whether U2F is to be answered. CTAP 2.3 §7.2.4: alwaysUv turns off what cannot verify its user. */
  get isU2fEnabled(): boolean {
    return this.#context.options.u2f() && !this.#context.settings.alwaysUv;
  }

  /** A new attach: the reset window opens, and what is volatile is forgotten. */
  powerCycle(): void {
    const { state, pin, token, protocols } = this.#context;
    state.powerCycle();
    pin.forgetMisses();
    token.stopUsing();
    for (const protocol of protocols.values()) protocol.regenerate();
    this.credentials.powerCycle();
  }

  /**
   * Back to the state of a new key, at the word of the store's owner, who could as well delete the file: without the
   * touch and the time window that authenticatorReset asks of whoever reaches the key over USB.
   */
  reset(): Promise<void> {
    return resetAuthenticator(this.#context);
  }

  /** Answers one message: a command byte and its CBOR, with a status byte and CBOR. Never rejects. */
  async process(message: Uint8Array, transport: Transport): Promise<Uint8Array> {
    const { log } = this.#context.platform;
    const command = message[0];
    const [name, handler] = commands.get(command ?? -1) ?? ["an unknown command", undefined];
    let status: CtapStatus = CtapStatus.CTAP2_OK;
    let response: Uint8Array = new Uint8Array(0);
    try {
      if (command === undefined) throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_LENGTH, "an empty message");
      this.#forgetSequences(command, transport);
      if (handler === undefined) throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_COMMAND);
      const map = await handler(this.#context, message.subarray(1), transport);
      if (map !== undefined) response = encodeCbor(map);
    } catch (error) {
      status = this.#statusOf(name, error);
    }
    log.traffic(() => `FIDO2 ${name}, ${message.length} bytes: ${nameOfCtapStatus(status)}, ${response.length} bytes`);
    return concat(Uint8Array.of(status), response);
  }

  /** "Stateful commands", §6: a sequence ends with any other command of the same client. */
  #forgetSequences(command: number, transport: Transport): void {
    const { state } = this.#context;
    if (command !== GET_NEXT_ASSERTION) state.forgetAssertion(transport);
    const isManagement = command === CREDENTIAL_MANAGEMENT || command === CREDENTIAL_MANAGEMENT_PROTOTYPE;
    if (!isManagement) state.forgetEnumeration(transport);
    if (command !== LARGE_BLOBS) state.forgetLargeBlobsWrite(transport);
  }

  #statusOf(name: string, error: unknown): CtapStatus {
    const { log } = this.#context.platform;
    if (error instanceof CtapError) {
      log.debug(`FIDO2 ${name}: ${error.message}`);
      return error.status;
    }
    log.error(`FIDO2 ${name} failed`, error);
    return isStoreFull(error) ? CtapStatus.CTAP2_ERR_KEY_STORE_FULL : CtapStatus.CTAP1_ERR_OTHER;
  }
}

/** KeyStoreError is the keystore's, which an applet knows by its face alone. CTAP 2.3 §6.1.2 step 17.4 */
function isStoreFull(error: unknown): boolean {
  return error instanceof Error && error.name === "KeyStoreError" && "code" in error && error.code === "no-space";
}
