// otpauth:// URIs: what people scan, and what is said of those that are none.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseOtpauthUri } from "../../src/control/otpauth-uri.ts";
import { Refusal } from "../../src/control/refusal.ts";

const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const KEY = Buffer.from("12345678901234567890");

function parse(uri: string) {
  const { fields, counter } = parseOtpauthUri(uri);
  return { ...fields, name: Buffer.from(fields.name).toString(), secret: Buffer.from(fields.secret), counter };
}

function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[Number.parseInt(group.padEnd(5, "0"), 2)]).join("");
}

describe("a URI", () => {
  it("says everything, or only what it must", () => {
    expect(parse(`otpauth://totp/Example:alice@example.org?secret=${SECRET}&issuer=Example`)).toEqual({
      name: "Example:alice@example.org",
      type: 0x20,
      algorithm: 1,
      digits: 6,
      secret: KEY,
      counter: 0,
    });
    expect(parse(`otpauth://hotp/alice?secret=${SECRET}&counter=4294967295&algorithm=sha512&digits=8`)).toEqual({
      name: "alice",
      type: 0x10,
      algorithm: 3,
      digits: 8,
      secret: KEY,
      counter: 0xffff_ffff,
    });
  });

  it.each([
    ["ACME%20Co:john.doe@email.com?issuer=ACME%20Co", "ACME Co:john.doe@email.com"],
    ["ACME%20Co%3A%20john?", "ACME Co:john"],
    ["alice?issuer=Example", "Example:alice"],
    ["Old:alice?issuer=New", "New:alice"],
    ["alice?period=60", "60/alice"],
    ["Example:alice?period=30", "Example:alice"],
    ["%C3%84rger:%C3%A4?image=x", "Ärger:ä"],
    ["Example:a:b?", "Example:a:b"],
  ])("names its account as yubikit does: %s", (rest, name) => {
    expect(parse(`otpauth://totp/${rest}&secret=${SECRET}`).name).toBe(name);
  });

  it.each([SECRET.toLowerCase(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", `${SECRET}======`])(
    "has its secret in any spelling: %s",
    (secret) => {
      expect(parse(` OTPAUTH://TOTP/a?secret=${encodeURIComponent(secret)}\n`).secret).toEqual(KEY);
    },
  );

  it("has a short secret as it is and a long one hashed, as HMAC itself would", () => {
    expect(parse("otpauth://totp/a?secret=GE").secret).toEqual(Buffer.from("1"));
    const long = Buffer.alloc(65, 7);
    expect(parse(`otpauth://totp/a?secret=${base32(long)}`).secret).toEqual(createHash("sha1").update(long).digest());
    const longer = Buffer.alloc(129, 7);
    expect(parse(`otpauth://totp/a?algorithm=SHA512&secret=${base32(longer)}`).secret).toEqual(
      createHash("sha512").update(longer).digest(),
    );
  });

  it.each([
    ["", "That is not an otpauth:// URI"],
    ["https://example.org/?secret=GE", "That is not an otpauth:// URI"],
    [`otpauth://motp/a?secret=${SECRET}`, "The type of an otpauth:// URI is totp or hotp"],
    ["otpauth://totp/a", "The URI has no secret"],
    ["otpauth://totp/a?secret=", "The URI has no secret"],
    ["otpauth://totp/a?secret=GEZDGNBVGY3TQOJ1", "The secret of an account is in Base32"],
    ["otpauth://totp/a?secret=GEZ", "The secret of an account is in Base32"],
    [`otpauth://totp/a?algorithm=SHA512&secret=${base32(Buffer.alloc(65, 7))}`, "The secret has 65 bytes"],
    [`otpauth://totp/?secret=${SECRET}`, "The account has no name"],
    [`otpauth://totp/Example:?secret=${SECRET}`, "The account has no name"],
    [`otpauth://totp/%FF?secret=${SECRET}`, "The name of the account is not percent-encoded UTF-8"],
    [`otpauth://totp/${"a".repeat(65)}?secret=${SECRET}`, "Issuer and account have 65 bytes"],
    [`otpauth://totp/a?algorithm=MD5&secret=${SECRET}`, "The algorithm of an account is SHA1, SHA256 or SHA512."],
    [`otpauth://totp/a?digits=5&secret=${SECRET}`, "In an otpauth:// URI, digits is a number from 6 to 8."],
    [`otpauth://totp/a?period=0&secret=${SECRET}`, "In an otpauth:// URI, period is a number from 1 to 86400."],
    [`otpauth://totp/a?period=x&secret=${SECRET}`, "In an otpauth:// URI, period is a number from 1 to 86400."],
    [`otpauth://hotp/a?secret=${SECRET}`, "A hotp account needs a counter"],
    [
      `otpauth://hotp/a?counter=4294967296&secret=${SECRET}`,
      "In an otpauth:// URI, counter is a number from 0 to 4294967295.",
    ],
  ])("that is wrong is refused in one sentence, which does not repeat it: %s", (uri, sentence) => {
    const refuse = () => parse(uri);
    expect(refuse).toThrow(Refusal);
    try {
      refuse();
    } catch (error) {
      const { message } = error as Refusal;
      expect(message).toMatch(/^[^.].*\.$/);
      expect(message.startsWith(sentence)).toBe(true);
      expect(message).not.toContain(SECRET.slice(0, 4));
    }
  });
});
