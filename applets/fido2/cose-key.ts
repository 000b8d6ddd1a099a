// The signature algorithms of credentials, one row each: how a key pair is made, how it signs, and how its public key
// is written down. RFC 9052 §7, RFC 9053 §2 and §7, RFC 9864 (fully-specified), IANA COSE registries (ML-DSA); WebAuthn §5.8.5, §6.5.5
import type { CborMap, CborValue } from "../../src/cbor.ts";
import {
  ED448,
  ED25519,
  type EdCurve,
  type JoseEcCurve,
  type KeyPair,
  P256,
  P384,
  P521,
  SECP256K1,
} from "../../src/crypto/curves.ts";
import { deriveEcPublicKey, generateEcKeyPair, importEcPrivateKey, splitEcPoint } from "../../src/crypto/ec-key.ts";
import { signEcdsa } from "../../src/crypto/ecdsa.ts";
import { deriveEdPublicKey, generateEdKeyPair, importEdPrivateKey, signEddsa } from "../../src/crypto/eddsa.ts";
import type { HashName } from "../../src/crypto/hash.ts";
import {
  deriveMlDsaPublicKey,
  expandMlDsaSeed,
  generateMlDsaKeyPair,
  type MlDsaName,
  signMlDsa,
} from "../../src/crypto/ml-dsa.ts";

/** IANA COSE Algorithms. */
export const CoseAlgorithm = {
  ES256: -7,
  EDDSA: -8,
  ESP256: -9,
  ED25519: -19,
  ES384: -35,
  ES512: -36,
  ES256K: -47,
  ML_DSA_44: -48,
  ML_DSA_65: -49,
  ML_DSA_87: -50,
  ESP384: -51,
  ESP512: -52,
  ED448: -53,
} as const;
export type CoseAlgorithm = (typeof CoseAlgorithm)[keyof typeof CoseAlgorithm];

/** Labels of a COSE_Key. RFC 9052 §7.1, RFC 9053 §7.1 and §7.2; an AKP key's PUB has the label of CRV. */
const Label = { KTY: 1, ALG: 3, CRV: -1, X: -2, Y: -3, PUB: -1 } as const;
const KeyType = { OKP: 1, EC2: 2, AKP: 7 } as const;
/** IANA COSE Elliptic Curves. */
const CoseCurve = { "P-256": 1, "P-384": 2, "P-521": 3, Ed25519: 6, Ed448: 7, secp256k1: 8 } as const;

export type Signer = (message: Uint8Array) => Uint8Array;

export interface CoseScheme {
  generateKeyPair(): KeyPair;
  /** Getting a key ready costs more than a signature: keep the signer. The public key saves time when it is at hand. */
  createSigner(privateKey: Uint8Array, publicKey?: Uint8Array): Signer;
  derivePublicKey(privateKey: Uint8Array): Uint8Array;
  /** The COSE_Key of a public key, with its algorithm, as WebAuthn §6.5.2 wants it. */
  encodePublicKey(publicKey: Uint8Array): CborMap;
}

const schemes: Readonly<Record<CoseAlgorithm, CoseScheme>> = {
  [CoseAlgorithm.ES256]: ecdsaScheme(CoseAlgorithm.ES256, P256, "sha256"),
  [CoseAlgorithm.EDDSA]: eddsaScheme(CoseAlgorithm.EDDSA, ED25519), // WebAuthn §5.8.5: never Ed448
  [CoseAlgorithm.ESP256]: ecdsaScheme(CoseAlgorithm.ESP256, P256, "sha256"),
  [CoseAlgorithm.ED25519]: eddsaScheme(CoseAlgorithm.ED25519, ED25519),
  [CoseAlgorithm.ES384]: ecdsaScheme(CoseAlgorithm.ES384, P384, "sha384"),
  [CoseAlgorithm.ES512]: ecdsaScheme(CoseAlgorithm.ES512, P521, "sha512"),
  [CoseAlgorithm.ES256K]: ecdsaScheme(CoseAlgorithm.ES256K, SECP256K1, "sha256"),
  [CoseAlgorithm.ML_DSA_44]: mlDsaScheme(CoseAlgorithm.ML_DSA_44, "ML-DSA-44"),
  [CoseAlgorithm.ML_DSA_65]: mlDsaScheme(CoseAlgorithm.ML_DSA_65, "ML-DSA-65"),
  [CoseAlgorithm.ML_DSA_87]: mlDsaScheme(CoseAlgorithm.ML_DSA_87, "ML-DSA-87"),
  [CoseAlgorithm.ESP384]: ecdsaScheme(CoseAlgorithm.ESP384, P384, "sha384"),
  [CoseAlgorithm.ESP512]: ecdsaScheme(CoseAlgorithm.ESP512, P521, "sha512"),
  [CoseAlgorithm.ED448]: eddsaScheme(CoseAlgorithm.ED448, ED448),
};

/** What getInfo lists, in the order of preference. */
const ADVERTISED = [
  CoseAlgorithm.ES256,
  CoseAlgorithm.EDDSA,
  CoseAlgorithm.ES384,
  CoseAlgorithm.ES512,
  CoseAlgorithm.ES256K,
] as const;
/** Accepted when asked for, but listed only on request: released Firefox versions fail on −19 (authenticator-rs #356). */
const FULLY_SPECIFIED = [
  CoseAlgorithm.ESP256,
  CoseAlgorithm.ED25519,
  CoseAlgorithm.ESP384,
  CoseAlgorithm.ESP512,
  CoseAlgorithm.ED448,
] as const;
/** On request alone: released Firefox versions give up on a key that lists an algorithm they do not know. */
const POST_QUANTUM = [CoseAlgorithm.ML_DSA_44, CoseAlgorithm.ML_DSA_65, CoseAlgorithm.ML_DSA_87] as const;

export interface AlgorithmOptions {
  readonly allAlgorithms: boolean;
  readonly pqc: boolean;
}

/** For getInfo. CTAP 2.3 §6.4 "algorithms": most preferred first, none twice. */
export function listAdvertisedAlgorithms({ allAlgorithms, pqc }: AlgorithmOptions): readonly CoseAlgorithm[] {
  return [...ADVERTISED, ...(allAlgorithms ? FULLY_SPECIFIED : []), ...(pqc ? POST_QUANTUM : [])];
}

/** Whether a new credential may have this algorithm. */
export function isAcceptedAlgorithm(algorithm: number, options: AlgorithmOptions): algorithm is CoseAlgorithm {
  return isKnownAlgorithm(algorithm) && (options.pqc || !isPostQuantum(algorithm));
}

/** Whether a credential of this algorithm can be used, though perhaps not made, here and now. */
export function isKnownAlgorithm(algorithm: number): algorithm is CoseAlgorithm {
  return Object.hasOwn(schemes, algorithm);
}

/** Its public keys and signatures have kilobytes. */
export function isPostQuantum(algorithm: CoseAlgorithm): boolean {
  return POST_QUANTUM.some((known) => known === algorithm);
}

export function schemeOf(algorithm: CoseAlgorithm): CoseScheme {
  return schemes[algorithm];
}

function ecdsaScheme(algorithm: CoseAlgorithm, curve: JoseEcCurve, hash: HashName): CoseScheme {
  return {
    generateKeyPair: () => generateEcKeyPair(curve),
    createSigner: (privateKey, publicKey) => {
      const key = importEcPrivateKey(curve, privateKey, publicKey);
      return (message) => signEcdsa(key, hash, message);
    },
    derivePublicKey: (privateKey) => deriveEcPublicKey(curve, privateKey),
    encodePublicKey: (publicKey) => {
      const { x, y } = splitEcPoint(curve, publicKey);
      return new Map<CborValue, CborValue>([
        [Label.KTY, KeyType.EC2],
        [Label.ALG, algorithm],
        [Label.CRV, CoseCurve[curve.name]],
        [Label.X, x],
        [Label.Y, y],
      ]);
    },
  };
}

function eddsaScheme(algorithm: CoseAlgorithm, curve: EdCurve): CoseScheme {
  return {
    generateKeyPair: () => generateEdKeyPair(curve),
    createSigner: (privateKey, publicKey) => {
      const key = importEdPrivateKey(curve, privateKey, publicKey);
      return (message) => signEddsa(key, message);
    },
    derivePublicKey: (privateKey) => deriveEdPublicKey(curve, privateKey),
    encodePublicKey: (publicKey) =>
      new Map<CborValue, CborValue>([
        [Label.KTY, KeyType.OKP],
        [Label.ALG, algorithm],
        [Label.CRV, CoseCurve[curve.name]],
        [Label.X, publicKey],
      ]),
  };
}

function mlDsaScheme(algorithm: CoseAlgorithm, name: MlDsaName): CoseScheme {
  return {
    generateKeyPair: () => generateMlDsaKeyPair(name),
    createSigner: (privateKey) => {
      const key = expandMlDsaSeed(name, privateKey);
      return (message) => signMlDsa(name, key, message);
    },
    derivePublicKey: (privateKey) => deriveMlDsaPublicKey(name, privateKey),
    encodePublicKey: (publicKey) =>
      new Map<CborValue, CborValue>([
        [Label.KTY, KeyType.AKP],
        [Label.ALG, algorithm],
        [Label.PUB, publicKey],
      ]),
  };
}
