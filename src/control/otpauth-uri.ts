// otpauth:// URIs, as QR codes hold them, into accounts.
// https://github.com/google/google-authenticator/wiki/Key-Uri-Format; names as yubikit makes them, so that ykman and
// Yubico Authenticator show the same account.
import type { AccountFields } from "../../applets/oath/account.ts";
import {
  Algorithm,
  DIGITS,
  isWithin,
  MAX_NAME_LENGTH,
  OathType,
  SECRET_LENGTH,
} from "../../applets/oath/parameters.ts";
import { parseBase32 } from "../bytes/base32.ts";
import { hash } from "../crypto/hash.ts";
import { Refusal } from "./refusal.ts";

export const DEFAULT_PERIOD = 30;
const MAX_COUNTER = 0xffff_ffff;
const MAX_PERIOD = 86_400;

interface AlgorithmTraits {
  readonly algorithm: Algorithm;
  readonly hash: "sha1" | "sha256" | "sha512";
  /** HMAC hashes a longer key first. RFC 2104 §2 */
  readonly blockLength: number;
}

const ALGORITHMS: Readonly<Record<string, AlgorithmTraits>> = {
  SHA1: { algorithm: Algorithm.SHA1, hash: "sha1", blockLength: 64 },
  SHA256: { algorithm: Algorithm.SHA256, hash: "sha256", blockLength: 64 },
  SHA512: { algorithm: Algorithm.SHA512, hash: "sha512", blockLength: 128 },
};

const TYPES: Readonly<Record<string, OathType>> = { hotp: OathType.HOTP, totp: OathType.TOTP };

export interface UriAccount {
  readonly fields: Omit<AccountFields, "properties">;
  readonly counter: number;
}

/** Throws Refusal, whose sentence holds nothing of the URI's secret. */
export function parseOtpauthUri(text: string): UriAccount {
  const url = parseUrl(text.trim());
  const type = TYPES[url.hostname.toLowerCase()];
  if (type === undefined) throw bad("The type of an otpauth:// URI is totp or hotp, as in otpauth://totp/….");
  const { searchParams: parameters } = url;
  const traits = ALGORITHMS[(parameters.get("algorithm") ?? "SHA1").toUpperCase()];
  if (traits === undefined) throw bad("The algorithm of an account is SHA1, SHA256 or SHA512.");
  const digits = number(parameters, "digits", DIGITS.min, DIGITS.max) ?? 6;
  const period = number(parameters, "period", 1, MAX_PERIOD) ?? DEFAULT_PERIOD;
  const counter = number(parameters, "counter", 0, MAX_COUNTER);
  if (type === OathType.HOTP && counter === undefined) throw bad("A hotp account needs a counter, as in …&counter=0.");
  const name = nameOf(url, type === OathType.TOTP ? period : DEFAULT_PERIOD);
  const secret = secretOf(parameters.get("secret"), traits);
  return { fields: { name, type, algorithm: traits.algorithm, digits, secret }, counter: counter ?? 0 };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "otpauth:") return url;
  throw bad("That is not an otpauth:// URI, such as otpauth://totp/Example:alice?secret=….");
}

/** [period "/"] [issuer ":"] account */
function nameOf(url: URL, period: number): Uint8Array {
  const label = decode(url.pathname.replace(/^\//, ""));
  const colon = label.indexOf(":");
  const account = label.slice(colon + 1).trim();
  const issuer = (url.searchParams.get("issuer") ?? label.slice(0, Math.max(colon, 0))).trim();
  if (account === "")
    throw bad("The account has no name: it stands behind the type, as in otpauth://totp/Example:alice.");
  const prefix = period === DEFAULT_PERIOD ? "" : `${period}/`;
  const name = new TextEncoder().encode(`${prefix}${issuer === "" ? "" : `${issuer}:`}${account}`);
  if (name.length <= MAX_NAME_LENGTH) return name;
  throw bad(`Issuer and account have ${name.length} bytes together, and the card has room for ${MAX_NAME_LENGTH}.`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad("The name of the account is not percent-encoded UTF-8.");
  }
}

function number(parameters: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (isWithin(value, { min, max })) return value;
  throw bad(`In an otpauth:// URI, ${name} is a number from ${min} to ${max}.`);
}

/** As the card wants it: a key that HMAC would hash is hashed; codes stay the same. */
function secretOf(text: string | null, { hash: name, blockLength }: AlgorithmTraits): Uint8Array {
  const given = parseBase32(text ?? "");
  if (given === undefined) throw bad("The secret of an account is in Base32: letters A to Z and digits 2 to 7.");
  if (given.length === 0) throw bad("The URI has no secret, as in …?secret=….");
  const key = given.length > blockLength ? hash(name, given) : given;
  if (key.length > SECRET_LENGTH.max) {
    throw bad(`The secret has ${key.length} bytes, and the card has room for ${SECRET_LENGTH.max}.`);
  }
  return key;
}

function bad(message: string): Refusal {
  return new Refusal("bad-request", message);
}
