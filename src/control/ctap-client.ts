// The platform's side of FIDO2, for the owner of a key: commands in, responses out, with the PIN hidden under PIN/UV auth
// protocol two. It goes the way that a browser's requests go, so that retry counters, power-cycle blocks and PIN rules
// are those of the authenticator and no others. CTAP 2.3 §6.5.5, §6.5.7
import { Request as PinRequest, Response as PinResponse, SubCommand } from "../../applets/fido2/client-pin.ts";
import { Permission } from "../../applets/fido2/pin-uv-auth-token.ts";
import { CtapStatus, nameOfCtapStatus } from "../../applets/fido2/status.ts";
import { concat } from "../bytes/concat.ts";
import { wipe } from "../bytes/wipe.ts";
import { type CborMap, type CborValue, decodeCborMap, encodeCbor, isCborMap } from "../cbor.ts";
import { encryptAesCbc } from "../crypto/aes.ts";
import { P256 } from "../crypto/curves.ts";
import { generateEcKeyPair, splitEcPoint } from "../crypto/ec-key.ts";
import { computeEcdh } from "../crypto/ecdh.ts";
import { hkdfSha256, hmacSha256, sha256 } from "../crypto/hash.ts";
import type { Transport } from "../transport.ts";

/** What answers a message; Fido2Authenticator does. */
export interface CtapAuthenticator {
  process(message: Uint8Array, transport: Transport): Promise<Uint8Array>;
}

const Command = { GET_INFO: 0x04, CLIENT_PIN: 0x06 } as const;
const PROTOCOL = 2;

const PADDED_PIN_LENGTH = 64;
/** Bytes: at least one of the 64 is padding. */
export const MAX_PIN_BYTES = PADDED_PIN_LENGTH - 1;

/** CTAPHID gives channel 0 to nobody, so that no client of the bus is ever mixed up with this one. CTAP 2.3 §11.2.4 */
const OWN_CHANNEL = 0;

/** The authenticator answered with another status than CTAP2_OK. */
export class CtapFailure extends Error {
  override name = "CtapFailure";
  readonly status: number;

  constructor(status: number) {
    super(nameOfCtapStatus(status));
    this.status = status;
  }
}

export class CtapClient {
  readonly #authenticator: CtapAuthenticator;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #transport: Transport = {
    name: "ctaphid",
    channel: OWN_CHANNEL,
    signal: new AbortController().signal,
    keepalive() {},
  };

  constructor(authenticator: CtapAuthenticator, randomBytes: (length: number) => Uint8Array) {
    this.#authenticator = authenticator;
    this.#randomBytes = randomBytes;
  }

  /** The response of authenticatorGetInfo. */
  getInfo(): Promise<CborMap> {
    return this.#command(Command.GET_INFO);
  }

  async getPinRetries(): Promise<{ readonly retries: number; readonly needsPowerCycle: boolean }> {
    const response = await this.#clientPin(SubCommand.GET_PIN_RETRIES);
    const retries = response.get(PinResponse.PIN_RETRIES);
    if (typeof retries !== "number") throw new TypeError("getPINRetries did not say how many");
    return { retries, needsPowerCycle: response.get(PinResponse.POWER_CYCLE_STATE) === true };
  }

  /** `pin`: at most 63 bytes of UTF-8. Rejects with CtapFailure. */
  setPin(pin: Uint8Array): Promise<void> {
    return this.#withAgreement(async (agreement) => {
      const newPinEnc = agreement.encrypt(pad(pin));
      await this.#clientPin(
        SubCommand.SET_PIN,
        [PinRequest.KEY_AGREEMENT, agreement.publicKey],
        [PinRequest.PIN_UV_AUTH_PARAM, agreement.authenticate(newPinEnc)],
        [PinRequest.NEW_PIN_ENC, newPinEnc],
      );
    });
  }

  changePin(pin: Uint8Array, newPin: Uint8Array): Promise<void> {
    return this.#withAgreement(async (agreement) => {
      const newPinEnc = agreement.encrypt(pad(newPin));
      const pinHashEnc = agreement.encrypt(hashPin(pin));
      await this.#clientPin(
        SubCommand.CHANGE_PIN,
        [PinRequest.KEY_AGREEMENT, agreement.publicKey],
        [PinRequest.PIN_UV_AUTH_PARAM, agreement.authenticate(concat(newPinEnc, pinHashEnc))],
        [PinRequest.NEW_PIN_ENC, newPinEnc],
        [PinRequest.PIN_HASH_ENC, pinHashEnc],
      );
    });
  }

  /**
   * Resolves if this is the PIN. It asks for the token of read-only credential management, the only one that leaves
   * the token in use alone: a browser that is half through a login goes on with its own. §6.5.5.7.2
   */
  verifyPin(pin: Uint8Array): Promise<void> {
    return this.#withAgreement(async (agreement) => {
      await this.#clientPin(
        SubCommand.GET_PIN_UV_AUTH_TOKEN_USING_PIN_WITH_PERMISSIONS,
        [PinRequest.KEY_AGREEMENT, agreement.publicKey],
        [PinRequest.PIN_HASH_ENC, agreement.encrypt(hashPin(pin))],
        [PinRequest.PERMISSIONS, Permission.PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY],
      );
    });
  }

  async #withAgreement(use: (agreement: Agreement) => Promise<void>): Promise<void> {
    const peer = (await this.#clientPin(SubCommand.GET_KEY_AGREEMENT)).get(PinResponse.KEY_AGREEMENT);
    if (!isCborMap(peer)) throw new TypeError("getKeyAgreement did not give a key");
    const agreement = new Agreement(peer, this.#randomBytes);
    try {
      await use(agreement);
    } finally {
      agreement.wipe();
    }
  }

  #clientPin(subCommand: number, ...members: readonly (readonly [number, CborValue])[]): Promise<CborMap> {
    const common = [
      [PinRequest.PIN_UV_AUTH_PROTOCOL, PROTOCOL],
      [PinRequest.SUB_COMMAND, subCommand],
    ] as const;
    return this.#command(Command.CLIENT_PIN, new Map<CborValue, CborValue>([...common, ...members]));
  }

  async #command(command: number, parameters?: CborMap): Promise<CborMap> {
    const encoded = parameters === undefined ? new Uint8Array(0) : encodeCbor(parameters);
    const response = await this.#authenticator.process(concat(Uint8Array.of(command), encoded), this.#transport);
    const status = response[0] ?? CtapStatus.CTAP1_ERR_OTHER;
    if (status !== CtapStatus.CTAP2_OK) throw new CtapFailure(status);
    return response.length > 1 ? decodeCborMap(response.subarray(1)) : new Map();
  }
}

/** A key agreed with the authenticator, for one request. */
class Agreement {
  readonly publicKey: CborMap;
  readonly #hmacKey: Uint8Array;
  readonly #aesKey: Uint8Array;
  readonly #randomBytes: (length: number) => Uint8Array;

  constructor(peer: CborMap, randomBytes: (length: number) => Uint8Array) {
    const peerX = peer.get(-2);
    const peerY = peer.get(-3);
    if (!(peerX instanceof Uint8Array && peerY instanceof Uint8Array)) throw new TypeError("no point on P-256");
    const own = generateEcKeyPair(P256);
    const z = computeEcdh(P256, own.privateKey, concat(Uint8Array.of(0x04), peerX, peerY));
    const salt = new Uint8Array(32);
    this.#hmacKey = hkdfSha256(z, salt, "CTAP2 HMAC key", 32);
    this.#aesKey = hkdfSha256(z, salt, "CTAP2 AES key", 32);
    wipe(own.privateKey, z);
    const { x, y } = splitEcPoint(P256, own.publicKey);
    this.publicKey = new Map<CborValue, CborValue>([
      [1, 2],
      [3, -25],
      [-1, 1],
      [-2, x],
      [-3, y],
    ]);
    this.#randomBytes = randomBytes;
  }

  /** Wipes the plaintext, which is a PIN or a hash of one. */
  encrypt(plaintext: Uint8Array): Uint8Array {
    const iv = this.#randomBytes(16);
    const encrypted = concat(iv, encryptAesCbc(this.#aesKey, iv, plaintext));
    wipe(plaintext);
    return encrypted;
  }

  authenticate(message: Uint8Array): Uint8Array {
    return hmacSha256(this.#hmacKey, message);
  }

  wipe(): void {
    wipe(this.#hmacKey, this.#aesKey);
  }
}

function pad(pin: Uint8Array): Uint8Array {
  if (pin.length > MAX_PIN_BYTES) throw new RangeError("the PIN is too long to be padded");
  const padded = new Uint8Array(PADDED_PIN_LENGTH);
  padded.set(pin);
  return padded;
}

function hashPin(pin: Uint8Array): Uint8Array {
  return Uint8Array.from(sha256(pin).subarray(0, 16));
}
