// The signature algorithms of credentials, one row each: how a key pair is made, how it signs, and how its public key
// is written down. RFC 9052 §7, RFC 9053 §2 and §7; WebAuthn §5.8.5, §6.5.5
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { type EcCurve, ED25519, type EdCurve, type KeyPair, P256 } from "../../src/crypto/curves.ts";
import { generateEcKeyPair, importEcPrivateKey, splitEcPoint } from "../../src/crypto/ec-key.ts";
import { signEcdsa } from "../../src/crypto/ecdsa.ts";
import { generateEdKeyPair, importEdPrivateKey, signEddsa } from "../../src/crypto/eddsa.ts";
import type { HashName } from "../../src/crypto/hash.ts";

/** IANA COSE Algorithms. */
export const CoseAlgorithm = { ES256: -7, EDDSA: -8 } as const;
export type CoseAlgorithm = (typeof CoseAlgorithm)[keyof typeof CoseAlgorithm];

/** Labels of a COSE_Key. RFC 9052 §7.1, RFC 9053 §7.1 and §7.2 */
const Label = { KTY: 1, ALG: 3, CRV: -1, X: -2, Y: -3 } as const;
const KeyType = { OKP: 1, EC2: 2 } as const;
/** IANA COSE Elliptic Curves. */
const CoseCurve = { "P-256": 1, Ed25519: 6 } as const;

export type Signer = (message: Uint8Array) => Uint8Array;

export interface CoseScheme {
  generateKeyPair(): KeyPair;
  /** Getting a key ready costs more than a signature: keep the signer. The public key saves time when it is at hand. */
  createSigner(privateKey: Uint8Array, publicKey?: Uint8Array): Signer;
  /** The COSE_Key of a public key, with its algorithm, as WebAuthn §6.5.2 wants it. */
  encodePublicKey(publicKey: Uint8Array): CborMap;
}

/** In the order of preference in which getInfo lists them. */
const schemes: ReadonlyMap<number, CoseScheme> = new Map([
  [CoseAlgorithm.ES256, ecdsaScheme(CoseAlgorithm.ES256, P256, CoseCurve["P-256"], "sha256")],
  [CoseAlgorithm.EDDSA, eddsaScheme(CoseAlgorithm.EDDSA, ED25519, CoseCurve.Ed25519)],
]);

export const supportedAlgorithms: readonly CoseAlgorithm[] = [CoseAlgorithm.ES256, CoseAlgorithm.EDDSA];

export function isSupportedAlgorithm(algorithm: number): algorithm is CoseAlgorithm {
  return schemes.has(algorithm);
}

export function schemeOf(algorithm: CoseAlgorithm): CoseScheme {
  const scheme = schemes.get(algorithm);
  if (scheme === undefined) throw new RangeError(`COSE algorithm ${algorithm} has no row`);
  return scheme;
}

function ecdsaScheme(algorithm: CoseAlgorithm, curve: EcCurve, coseCurve: number, hash: HashName): CoseScheme {
  return {
    generateKeyPair: () => generateEcKeyPair(curve),
    createSigner: (privateKey, publicKey) => {
      const key = importEcPrivateKey(curve, privateKey, publicKey);
      return (message) => signEcdsa(key, hash, message);
    },
    encodePublicKey: (publicKey) => {
      const { x, y } = splitEcPoint(curve, publicKey);
      return new Map<CborValue, CborValue>([
        [Label.KTY, KeyType.EC2],
        [Label.ALG, algorithm],
        [Label.CRV, coseCurve],
        [Label.X, x],
        [Label.Y, y],
      ]);
    },
  };
}

function eddsaScheme(algorithm: CoseAlgorithm, curve: EdCurve, coseCurve: number): CoseScheme {
  return {
    generateKeyPair: () => generateEdKeyPair(curve),
    createSigner: (privateKey, publicKey) => {
      const key = importEdPrivateKey(curve, privateKey, publicKey);
      return (message) => signEddsa(key, message);
    },
    encodePublicKey: (publicKey) =>
      new Map<CborValue, CborValue>([
        [Label.KTY, KeyType.OKP],
        [Label.ALG, algorithm],
        [Label.CRV, coseCurve],
        [Label.X, publicKey],
      ]),
  };
}
