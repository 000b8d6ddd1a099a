// The OpenPGP card: what GnuPG waits for. Each algorithm's key is made when its turn comes.
import { constants, createECDH, createHash, publicEncrypt, randomBytes, verify } from "node:crypto";
import { concat } from "../../src/bytes/concat.ts";
import { isEqual } from "../../src/bytes/equal.ts";
import { encodeU16be } from "../../src/bytes/integer.ts";
import * as curves from "../../src/crypto/curves.ts";
import { importEcPublicKey } from "../../src/crypto/ec-key.ts";
import { isEddsaSignature } from "../../src/crypto/eddsa.ts";
import { importRsaPublicKey } from "../../src/crypto/rsa.ts";
import { computeXdh, generateXdhKeyPair, importXdhPrivateKey } from "../../src/crypto/xdh.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import { type BenchCard, digestInfo, expectTag, inside, nothing } from "./card.ts";
import type { Case } from "./measure.ts";

const AID = "d27600012401";
const NO_DATA = new Uint8Array(0);
const SLOW_ROUNDS = 100;

interface Enciphered {
  readonly cryptogram: Uint8Array;
  readonly secret: Uint8Array;
}

/** What the card signs of a message, and whether that was right; what it deciphers, and what has to come out. */
interface Algorithm {
  readonly name: string;
  readonly oid: string;
  readonly toSign?: (message: Uint8Array) => Uint8Array;
  readonly isSignature?: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
  /** A cryptogram for the card, and the secret in it. */
  readonly encipher?: (publicKey: Uint8Array) => Enciphered;
}

const sha256 = (message: Uint8Array) => createHash("sha256").update(message).digest();

function weierstrass(name: string, curve: curves.EcCurve, oid: string): Algorithm {
  return {
    name,
    oid,
    toSign: sha256,
    isSignature: (publicKey, message, signature) =>
      verify("sha256", message, { key: importEcPublicKey(curve, publicKey), dsaEncoding: "ieee-p1363" }, signature),
    encipher(publicKey) {
      const ecdh = createECDH(curve.openssl);
      const ephemeral = ecdh.generateKeys();
      return { cryptogram: externalPublicKey(ephemeral), secret: ecdh.computeSecret(publicKey) };
    },
  };
}

function edwards(name: string, curve: curves.EdCurve, oid: string): Algorithm {
  return {
    name,
    oid,
    toSign: (message) => message,
    isSignature: (publicKey, message, signature) => isEddsaSignature(curve, publicKey, message, signature),
  };
}

function montgomery(name: string, curve: curves.XCurve, oid: string): Algorithm {
  return {
    name,
    oid,
    encipher(publicKey) {
      const own = generateXdhKeyPair(curve);
      const secret = computeXdh(curve, importXdhPrivateKey(curve, own.privateKey, own.publicKey), publicKey);
      return { cryptogram: externalPublicKey(own.publicKey), secret };
    },
  };
}

/** A6 { 7F49 { 86 point } }. OpenPGP 3.4.1 §7.2.11 */
function externalPublicKey(point: Uint8Array): Uint8Array {
  return encodeTlv(0xa6, encodeTlv(0x7f49, encodeTlv(0x86, point)));
}

const algorithms: readonly Algorithm[] = [
  edwards("ed25519", curves.ED25519, "2b06010401da470f01"),
  montgomery("x25519", curves.X25519, "2b060104019755010501"),
  weierstrass("p256", curves.P256, "2a8648ce3d030107"),
  weierstrass("p384", curves.P384, "2b81040022"),
  weierstrass("p521", curves.P521, "2b81040023"),
  weierstrass("brainpoolP256r1", curves.BRAINPOOL_P256R1, "2b2403030208010107"),
  weierstrass("brainpoolP384r1", curves.BRAINPOOL_P384R1, "2b240303020801010b"),
  weierstrass("brainpoolP512r1", curves.BRAINPOOL_P512R1, "2b240303020801010d"),
  weierstrass("secp256k1", curves.SECP256K1, "2b8104000a"),
  edwards("ed448", curves.ED448, "2b6571"),
  montgomery("x448", curves.X448, "2b656f"),
];

const rsaSizes = [
  { bits: 2048, generations: 10 },
  { bits: 3072, generations: 5 },
  { bits: 4096, generations: 3 },
] as const;

const slots = {
  sign: { attributes: 0xc1, template: "b600" },
  decipher: { attributes: 0xc2, template: "b800" },
} as const;
type Slot = (typeof slots)[keyof typeof slots];

export function openPgpCases(card: BenchCard): Case[] {
  const verifyPassword = (p2: number, password: string) =>
    card.send({ ins: 0x20, p2, data: Buffer.from(password, "latin1") });
  const ready = async () => {
    await card.select(AID);
    await verifyPassword(0x83, "12345678");
    await card.send({ ins: 0xda, p2: 0xc4, data: "01" }); // one VERIFY for many signatures
    await verifyPassword(0x81, "123456");
    await verifyPassword(0x82, "123456");
  };
  const generate = (slot: Slot) => card.send({ ins: 0x47, p1: 0x80, data: slot.template });
  const setAttributes = async (slot: Slot, attributes: Uint8Array) => {
    await ready();
    await card.send({ ins: 0xda, p2: slot.attributes, data: attributes });
  };
  const makeKey = async (slot: Slot, attributes: Uint8Array) => {
    await setAttributes(slot, attributes);
    return inside(await generate(slot), 0x7f49);
  };
  const generation = (name: string, slot: Slot, attributes: Uint8Array, rounds: number): Case => ({
    name: `pgp.generate.${name}`,
    rounds,
    prepare: () => setAttributes(slot, attributes),
    run: async () => {
      const publicKey = await generate(slot);
      return () => expectTag(publicKey, 0x7f49);
    },
  });

  const signature = (
    name: string,
    attributes: Uint8Array,
    toSign: (message: Uint8Array) => Uint8Array,
    isSignature: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean,
  ): Case => {
    let publicKey: Uint8Array = NO_DATA;
    return {
      name: `pgp.sign.${name}`,
      rounds: SLOW_ROUNDS,
      prepare: async () => {
        publicKey = await makeKey(slots.sign, attributes);
      },
      run: async () => {
        const message = randomBytes(32);
        const signed = await card.send({ ins: 0x2a, p1: 0x9e, p2: 0x9a, data: toSign(message) });
        return () => expectTrue(isSignature(publicKey, message, signed), `signature with ${name}`);
      },
    };
  };

  const deciphering = (name: string, attributes: Uint8Array, encipher: (publicKey: Uint8Array) => Enciphered): Case => {
    let sent: Enciphered = { cryptogram: NO_DATA, secret: NO_DATA };
    return {
      name: `pgp.decipher.${name}`,
      rounds: SLOW_ROUNDS,
      prepare: async () => {
        sent = encipher(await makeKey(slots.decipher, attributes));
      },
      run: async () => {
        const secret = await card.send({ ins: 0x2a, p1: 0x80, p2: 0x86, data: sent.cryptogram });
        return () => expectTrue(isEqual(secret, sent.secret), `secret with ${name}`);
      },
    };
  };

  return [
    { name: "pgp.select", run: () => card.select(AID).then(nothing) },
    {
      name: "pgp.getData.6E",
      prepare: ready,
      run: async () => {
        const data = await card.send({ ins: 0xca, p2: 0x6e });
        return () => expectTag(data, 0x6e);
      },
    },
    { name: "pgp.verify", prepare: ready, run: () => verifyPassword(0x81, "123456").then(nothing) },
    ...algorithms.flatMap(({ name, oid, toSign, isSignature, encipher }) => {
      const point = (publicKey: Uint8Array) => inside(publicKey, 0x86);
      const id = (idByte: number) => concat(Uint8Array.of(idByte), Buffer.from(oid, "hex"));
      const signing = id(name.startsWith("ed") ? 0x16 : 0x13);
      const agreeing = id(0x12);
      const isSigning = toSign !== undefined && isSignature !== undefined;
      return [
        isSigning
          ? generation(name, slots.sign, signing, SLOW_ROUNDS)
          : generation(name, slots.decipher, agreeing, SLOW_ROUNDS),
        ...(isSigning ? [signature(name, signing, toSign, (key, ...rest) => isSignature(point(key), ...rest))] : []),
        ...(encipher === undefined ? [] : [deciphering(name, agreeing, (key) => encipher(point(key)))]),
      ];
    }),
    ...rsaSizes.flatMap(({ bits, generations }) => {
      const attributes = concat(Uint8Array.of(0x01), encodeU16be(bits), encodeU16be(17), Uint8Array.of(0));
      const keyOf = (publicKey: Uint8Array) => importRsaPublicKey(inside(publicKey, 0x81), inside(publicKey, 0x82));
      return [
        generation(`rsa${bits}`, slots.sign, attributes, generations),
        signature(
          `rsa${bits}`,
          attributes,
          (message) => digestInfo(sha256(message)),
          (publicKey, message, signed) => verify("sha256", message, keyOf(publicKey), signed),
        ),
        deciphering(`rsa${bits}`, attributes, (publicKey) => {
          const secret = randomBytes(32);
          const padded = publicEncrypt({ key: keyOf(publicKey), padding: constants.RSA_PKCS1_PADDING }, secret);
          return { cryptogram: concat(Uint8Array.of(0), padded), secret };
        }),
      ];
    }),
  ];
}

function expectTrue(isRight: boolean, what: string): void {
  if (!isRight) throw new Error(`${what}: wrong`);
}
