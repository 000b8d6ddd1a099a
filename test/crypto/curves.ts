// The curves that the tests go through, and the same ones in an engine that is not the product's.
import { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } from "@noble/curves/misc.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import {
  BRAINPOOL_P256R1,
  BRAINPOOL_P384R1,
  BRAINPOOL_P512R1,
  P256,
  P384,
  P521,
  SECP256K1,
} from "../../src/crypto/curves.ts";

export const curves = [P256, P384, P521, SECP256K1, BRAINPOOL_P256R1, BRAINPOOL_P384R1, BRAINPOOL_P512R1];

export const curveOf = (name: string) => curves.find((curve) => curve.name === name) ?? P256;

export const noble = {
  "P-256": p256,
  "P-384": p384,
  "P-521": p521,
  secp256k1,
  brainpoolP256r1,
  brainpoolP384r1,
  brainpoolP512r1,
} as const;
