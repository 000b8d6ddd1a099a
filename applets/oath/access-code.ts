// The access code: a key whose knowledge a client proves with HMAC before it may use the accounts, and which the card
// proves to know, too. YKOATH "SET CODE", "VALIDATE"
//
//   oath/access-code   persistent: the algorithm, and the key of 14 to 64 bytes
import { isEqualConstantTime } from "../../src/bytes/equal.ts";
import { hmac } from "../../src/crypto/hash.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import type { Platform } from "../../src/platform.ts";
import {
  type Algorithm,
  CODE_CHALLENGE_LENGTH,
  hashOf,
  isAlgorithm,
  isWithin,
  MAX_CHALLENGE_LENGTH,
  noSuchObject,
  parseData,
  readObject,
  SECRET_LENGTH,
  Tag,
  wrongSyntax,
} from "./parameters.ts";

const ACCESS_CODE = "oath/access-code";

interface Code {
  readonly algorithm: Algorithm;
  readonly key: Uint8Array;
}

export class AccessCode {
  readonly #platform: Platform;
  /** Volatile: what VALIDATE has to answer; another at each SELECT. */
  #challenge: Uint8Array;
  /** Volatile: the client has proved the code, or it is the one that has just set it. */
  #proof: "none" | "validated" | "set" = "none";

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#challenge = platform.randomBytes(CODE_CHALLENGE_LENGTH);
  }

  /** Whether the accounts may be used. */
  get isOpen(): boolean {
    return this.#proof !== "none" || this.#load() === undefined;
  }

  /**
   * What SELECT tells of it: nothing, or a challenge and the algorithm. A YubiKey keeps a VALIDATE when OATH is selected
   * once more; who has merely set the code has to prove it from then on.
   */
  select(): readonly Uint8Array[] {
    this.#challenge = this.#platform.randomBytes(CODE_CHALLENGE_LENGTH);
    if (this.#proof === "set") this.#proof = "none";
    const code = this.#load();
    if (code === undefined) return [];
    return [encodeTlv(Tag.CHALLENGE, this.#challenge), encodeTlv(Tag.ALGORITHM, Uint8Array.of(code.algorithm))];
  }

  forget(): void {
    this.#proof = "none";
  }

  /**
   *   73 key: algorithm and key   74 challenge (8)   75 response      sets it
   *   73 00                                                           removes it
   *
   * Throws StatusError 6A80, and 6984 when the response does not prove the key.
   */
  async set(data: Uint8Array): Promise<void> {
    const { key, challenge, response } = parseData(data, (reader) => {
      const key = readObject(reader, Tag.KEY);
      if (key.length === 0) return { key, challenge: key, response: key };
      return { key, challenge: readObject(reader, Tag.CHALLENGE), response: readObject(reader, Tag.RESPONSE) };
    });
    if (key.length === 0) {
      if (this.#platform.store.get(ACCESS_CODE) !== undefined)
        await this.#platform.store.commit({ [ACCESS_CODE]: null });
      this.#proof = "none";
      return;
    }
    const code = parseCode(key);
    if (code === undefined || !isWithin(code.key.length, SECRET_LENGTH)) throw wrongSyntax();
    if (challenge.length !== CODE_CHALLENGE_LENGTH) throw wrongSyntax();
    if (!isEqualConstantTime(response, prove(code, challenge))) throw noSuchObject();
    await this.#platform.store.commit({ [ACCESS_CODE]: Uint8Array.from(key) });
    this.#proof = "set";
  }

  /**
   *   75 response   74 challenge   →   75 response
   *
   * Throws StatusError 6984 when no code is set, and 6A80, also for a response that is wrong: what was proved before
   * stays so.
   */
  validate(data: Uint8Array): Uint8Array {
    const [response, challenge] = parseData(
      data,
      (reader) => [readObject(reader, Tag.RESPONSE), readObject(reader, Tag.CHALLENGE)] as const,
    );
    const code = this.#load();
    if (code === undefined) throw noSuchObject();
    if (challenge.length > MAX_CHALLENGE_LENGTH) throw wrongSyntax();
    if (!isEqualConstantTime(response, prove(code, this.#challenge))) throw wrongSyntax();
    this.#proof = "validated";
    return encodeTlv(Tag.RESPONSE, prove(code, challenge));
  }

  /** A record that cannot be read locks the accounts as one that nobody knows. */
  #load(): Code | undefined {
    const record = this.#platform.store.get(ACCESS_CODE);
    if (record === undefined) return undefined;
    const code = parseCode(record);
    if (code === undefined) throw new Error(`${ACCESS_CODE} cannot be read`);
    return code;
  }
}

/** A YubiKey looks at the algorithm alone: ykman sends a type in the upper half. */
function parseCode(bytes: Uint8Array): Code | undefined {
  const algorithm = (bytes[0] ?? 0) & 0x0f;
  return isAlgorithm(algorithm) ? { algorithm, key: bytes.subarray(1) } : undefined;
}

function prove({ algorithm, key }: Code, challenge: Uint8Array): Uint8Array {
  return hmac(hashOf[algorithm], key, challenge);
}
