// An OATH applet on a card, and what a client of it needs: commands in hexadecimal or by their parts.
import { OathApplet } from "../../applets/oath/applet.ts";
import { MAX_ACCOUNTS } from "../../applets/oath/parameters.ts";
import type { KeyStore } from "../../keystore/index.ts";
import { concat } from "../../src/bytes/concat.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import { encodeCommandApdu, parseCommandApdu } from "../../src/iso7816/apdu.ts";
import { ApduDispatcher } from "../../src/iso7816/dispatcher.ts";
import { encodeTlv, parseTlvs } from "../../src/iso7816/tlv.ts";
import { createTestPlatform, createTestTransport, type TestPlatform, type TestTransport } from "../support/platform.ts";

export const SECRET = Buffer.from("12345678901234567890");

export interface Answer {
  readonly data: Uint8Array;
  readonly sw: string;
}

export interface AccountSketch {
  readonly name: string;
  /** Type and algorithm; TOTP with SHA-1 unless given. */
  readonly kind?: number;
  readonly digits?: number;
  readonly secret?: Uint8Array;
  readonly properties?: number;
  readonly counter?: number;
}

export interface OathCard {
  readonly platform: TestPlatform;
  readonly transport: TestTransport;
  readonly oath: OathApplet;
  readonly card: ApduDispatcher;
  exchange(command: Uint8Array): Promise<Uint8Array>;
  /** Fetches what remains, too. */
  send(ins: number, data?: Uint8Array, parameters?: { readonly p1?: number; readonly p2?: number }): Promise<Answer>;
}

export function createOathCard(options: { readonly seed?: string; readonly store?: KeyStore } = {}): OathCard {
  const twin = createTestPlatform(options);
  const platform = options.store === undefined ? twin : { ...twin, store: options.store as TestPlatform["store"] };
  const transport = createTestTransport();
  const oath = new OathApplet(platform);
  const card = new ApduDispatcher(() => [oath], platform.log);
  const exchange = (command: Uint8Array) => card.exchange(command, transport);
  const send: OathCard["send"] = async (ins, data, parameters = {}) => {
    let answer = parseAnswer(await exchange(encodeCommandApdu({ ins, ...parameters, ...(data && { data }), le: 256 })));
    while (answer.sw.startsWith("61")) {
      const more = parseAnswer(await exchange(encodeCommandApdu({ ins: 0xa5, le: 256 })));
      answer = { data: concat(answer.data, more.data), sw: more.sw };
    }
    return answer;
  };
  return { platform, transport, oath, card, exchange, send };
}

export async function createSelectedCard(options: Parameters<typeof createOathCard>[0] = {}): Promise<OathCard> {
  const card = createOathCard(options);
  await card.send(0xa4, Buffer.from("a0000005272101", "hex"), { p1: 0x04 });
  return card;
}

export function encodePut(account: AccountSketch): Uint8Array {
  const { name, kind = 0x21, digits = 6, secret = SECRET, properties, counter } = account;
  return concat(
    encodeTlv(0x71, Buffer.from(name)),
    encodeTlv(0x73, Uint8Array.of(kind, digits), secret),
    properties === undefined ? new Uint8Array(0) : Uint8Array.of(0x78, properties),
    counter === undefined ? new Uint8Array(0) : encodeTlv(0x7a, encodeU32be(counter)),
  );
}

/** The code of the account, or the status word. */
export async function codeOf({ send }: Pick<OathCard, "send">, name: string, step: number): Promise<string> {
  const challenge = concat(new Uint8Array(4), encodeU32be(step));
  const data = concat(encodeTlv(0x71, Buffer.from(name)), encodeTlv(0x74, challenge));
  const answer = await send(0xa2, data, { p2: 1 });
  return answer.sw === "9000" ? codeIn(parseTlvs(answer.data)[0]?.value) : answer.sw;
}

/** As people type it: clients reduce the 31 bits that they get. */
function codeIn(value: Uint8Array | undefined): string {
  const [digits = 0, ...code] = value ?? [];
  return String(Buffer.from(code).readUInt32BE() % 10 ** digits).padStart(digits, "0");
}

export async function fill({ oath }: OathCard, left: number): Promise<void> {
  for (let made = oath.accounts.size; made < MAX_ACCOUNTS - left; made++) {
    await oath.process(
      parseCommandApdu(encodeCommandApdu({ ins: 0x01, data: encodePut({ name: `filler ${made}` }) })),
      createTestTransport(),
    );
  }
}

function parseAnswer(bytes: Uint8Array): Answer {
  return { data: bytes.subarray(0, -2), sw: Buffer.from(bytes.subarray(-2)).toString("hex") };
}
