// Every algorithm in every slot that takes it, its signatures and secrets checked by node:crypto.
import {
  createECDH,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  verify,
} from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import {
  BRAINPOOL_P256R1,
  BRAINPOOL_P384R1,
  BRAINPOOL_P512R1,
  P256,
  P384,
  P521,
  SECP256K1,
} from "../../src/crypto/curves.ts";
import { derInteger, derSequence } from "../../src/crypto/der.ts";
import { encodeEcPublicKeyInfo } from "../../src/crypto/ec-key.ts";
import { externalPublicKey, Key, type OpenPgpCard, openCard } from "../support/openpgp-client.ts";
import { privateKeyEncoding, publicKeyEncoding, readPair } from "./key-pairs.ts";

const weierstrass = [
  { curve: P256, oid: "2a8648ce3d030107", hash: "sha256" },
  { curve: P384, oid: "2b81040022", hash: "sha384" },
  { curve: P521, oid: "2b81040023", hash: "sha512" },
  { curve: SECP256K1, oid: "2b8104000a", hash: "sha256" },
  { curve: BRAINPOOL_P256R1, oid: "2b2403030208010107", hash: "sha256" },
  { curve: BRAINPOOL_P384R1, oid: "2b240303020801010b", hash: "sha384" },
  { curve: BRAINPOOL_P512R1, oid: "2b240303020801010d", hash: "sha512" },
] as const;
const edwards = [
  { name: "Ed25519", oid: "2b06010401da470f01" },
  { name: "Ed448", oid: "2b6571" },
] as const;
const montgomery = [
  { name: "X25519", oid: "2b060104019755010501" },
  { name: "X448", oid: "2b656f" },
] as const;

const message = Buffer.from("what is signed");

let card: OpenPgpCard;

beforeAll(async () => {
  card = await openCard({ verified: [0x81, 0x82, 0x83] });
  expect(await card.putData(0xc4, "01")).toBe("9000");
});

function rawToDer(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return derSequence(derInteger(raw.subarray(0, half)), derInteger(raw.subarray(half)));
}

function publicKeyOf(point: Uint8Array, curve: (typeof weierstrass)[number]["curve"]): KeyObject {
  return createPublicKey({ format: "der", type: "spki", key: Buffer.from(encodeEcPublicKeyInfo(curve, point)) });
}

function okpPublicKey(crv: string, x: Uint8Array): KeyObject {
  return createPublicKey({ format: "jwk", key: { kty: "OKP", crv, x: Buffer.from(x).toString("base64url") } });
}

describe.each(weierstrass)("$curve.name", ({ curve, oid, hash }) => {
  const digest = createHash(hash).update(message).digest();

  test.each(["sig", "aut"] as const)("signs the digest it is given, in slot %s", async (slot) => {
    expect(await card.setAlgorithm(slot, `13${oid}`)).toBe("9000");
    const point = (await card.generate(Key[slot])).get(0x86) ?? new Uint8Array(0);
    const { data, sw } = await card.signWith(slot, digest);
    expect([sw, data.length]).toEqual(["9000", 2 * curve.bytes]);
    expect(verify(hash, message, publicKeyOf(point, curve), rawToDer(data))).toBe(true);
    expect((await card.generate(Key[slot], 0x81)).get(0x86)).toEqual(point);
  });

  test("agrees on a secret", async () => {
    expect(await card.setAlgorithm("dec", `12${oid}`)).toBe("9000");
    const point = (await card.generate(Key.dec)).get(0x86) ?? new Uint8Array(0);
    const ecdh = createECDH(curve.openssl);
    const peer = ecdh.generateKeys();
    const { data, sw } = await card.decipher(externalPublicKey(peer));
    expect(sw).toBe("9000");
    expect(toHex(data)).toBe(toHex(ecdh.computeSecret(point)));
  });

  test("refuses a peer off the curve", async () => {
    const off = concat(Uint8Array.of(4), new Uint8Array(2 * curve.bytes).fill(1));
    expect((await card.decipher(externalPublicKey(off))).sw).toBe("6a80");
  });

  test("takes an imported scalar, without leading zeros or with one more, and refuses zero", async () => {
    const ecdh = createECDH(curve.openssl);
    const point = ecdh.generateKeys();
    const scalar = ecdh.getPrivateKey();
    expect(await card.importKey(Key.dec, [[0x92, concat(new Uint8Array(1), scalar)]])).toBe("9000");
    expect((await card.generate(Key.dec, 0x81)).get(0x86)).toEqual(new Uint8Array(point));
    expect(await card.importKey(Key.dec, [[0x92, Uint8Array.of(2)]])).toBe("9000");
    expect(await card.importKey(Key.dec, [[0x92, new Uint8Array(curve.bytes)]])).toBe("6a80");
    expect(await card.importKey(Key.dec, [[0x92, new Uint8Array(curve.bytes + 1).fill(1)]])).toBe("6a80");
  });

  test("takes the public key along, and refuses another's", async () => {
    const ecdh = createECDH(curve.openssl);
    const point = ecdh.generateKeys();
    const parts = [[0x92, ecdh.getPrivateKey()] as const, [0x99, point] as const];
    expect(await card.putData(0xc2, `12${oid}ff`)).toBe("9000");
    expect(await card.importKey(Key.dec, parts)).toBe("9000");
    const other = createECDH(curve.openssl).generateKeys();
    expect(
      await card.importKey(Key.dec, [
        [0x92, ecdh.getPrivateKey()],
        [0x99, other],
      ]),
    ).toBe("6a80");
  });
});

describe.each(edwards)("$name", ({ name, oid }) => {
  test.each(["sig", "aut"] as const)("signs the message it is given, in slot %s", async (slot) => {
    expect(await card.setAlgorithm(slot, `16${oid}`)).toBe("9000");
    const point = (await card.generate(Key[slot])).get(0x86) ?? new Uint8Array(0);
    const { data, sw } = await card.signWith(slot, message);
    expect(sw).toBe("9000");
    expect(verify(null, message, okpPublicKey(name, point), data)).toBe(true);
  });

  test("takes an imported seed", async () => {
    const pair = readPair(
      name === "Ed25519"
        ? generateKeyPairSync("ed25519", { publicKeyEncoding, privateKeyEncoding })
        : generateKeyPairSync("ed448", { publicKeyEncoding, privateKeyEncoding }),
    );
    const { d = "", x = "" } = pair.privateKey.export({ format: "jwk" });
    expect(await card.setAlgorithm("sig", `16${oid}`)).toBe("9000");
    expect(await card.importKey(Key.sig, [[0x92, Buffer.from(d, "base64url")]])).toBe("9000");
    expect((await card.generate(Key.sig, 0x81)).get(0x86)).toEqual(new Uint8Array(Buffer.from(x, "base64url")));
    expect(verify(null, message, pair.publicKey, (await card.sign(message)).data)).toBe(true);
    expect(toHex(await card.getData(0xde))).toMatch(/^0102/);
    expect(await card.setAlgorithm("sig", "010800002000")).toBe("9000");
  });

  test("is not for deciphering", async () => {
    expect(await card.putData(0xc2, `16${oid}`)).toBe("6a80");
  });
});

describe.each(montgomery)("$name", ({ name, oid }) => {
  const generatePair = () =>
    readPair(
      name === "X25519"
        ? generateKeyPairSync("x25519", { publicKeyEncoding, privateKeyEncoding })
        : generateKeyPairSync("x448", { publicKeyEncoding, privateKeyEncoding }),
    );

  test("agrees on a secret, with GnuPG's prefix before the point or without", async () => {
    expect(await card.setAlgorithm("dec", `12${oid}`)).toBe("9000");
    const point = (await card.generate(Key.dec)).get(0x86) ?? new Uint8Array(0);
    const { privateKey, publicKey } = generatePair();
    const secret = diffieHellman({ privateKey, publicKey: okpPublicKey(name, point) });
    const peer = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    expect(toHex((await card.decipher(externalPublicKey(peer))).data)).toBe(toHex(secret));
    expect(toHex((await card.decipher(externalPublicKey(concat(Uint8Array.of(0x40), peer)))).data)).toBe(toHex(secret));
  });

  test("refuses a peer of low order, and one of another length", async () => {
    const length = name === "X25519" ? 32 : 56;
    for (const point of [new Uint8Array(length), new Uint8Array(length - 1).fill(9), new Uint8Array(0)]) {
      expect((await card.decipher(externalPublicKey(point))).sw).toBe("6a80");
    }
  });

  test("takes an imported secret: X25519's is big-endian, X448's is not", async () => {
    const { privateKey, publicKey } = generatePair();
    const { d = "", x = "" } = privateKey.export({ format: "jwk" });
    const scalar = new Uint8Array(Buffer.from(d, "base64url"));
    const imported = name === "X25519" ? scalar.toReversed() : scalar;
    expect(await card.importKey(Key.dec, [[0x92, imported]])).toBe("9000");
    expect((await card.generate(Key.dec, 0x81)).get(0x86)).toEqual(new Uint8Array(Buffer.from(x, "base64url")));
    const point = (await card.generate(Key.dec, 0x81)).get(0x86) ?? new Uint8Array(0);
    const peer = generatePair();
    const peerPoint = Buffer.from(peer.publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    const secret = diffieHellman({ privateKey: peer.privateKey, publicKey });
    expect(toHex((await card.decipher(externalPublicKey(peerPoint))).data)).toBe(toHex(secret));
    expect(
      await card.importKey(Key.dec, [
        [0x92, imported],
        [0x99, concat(Uint8Array.of(0x40), point)],
      ]),
    ).toBe("9000");
  });

  test("is not for signing", async () => {
    for (const tag of [0xc1, 0xc3, 0xda]) expect(await card.putData(tag, `12${oid}`)).toBe("6a80");
    expect(await card.send(0x22, 0x41, 0xa4, "830102")).toMatchObject({ sw: "9000" }); // the decryption key, to authenticate
    expect((await card.authenticate(message)).sw).toBe("6985");
    expect(await card.send(0x22, 0x41, 0xa4, "830103")).toMatchObject({ sw: "9000" });
  });
});

test("RFC 7748's key of Alice, as OpenPGP writes it, computes RFC 7748's secret", async () => {
  expect(await card.setAlgorithm("dec", "122b060104019755010501")).toBe("9000");
  const secret = fromHex("2a2cb91da5fb77b12a99c0eb872f4cdf4566b25172c1163c7da518730a6d0777");
  expect(await card.importKey(Key.dec, [[0x92, secret]])).toBe("9000");
  const bob = fromHex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  expect(toHex((await card.decipher(externalPublicKey(bob))).data)).toBe(
    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
  );
});
