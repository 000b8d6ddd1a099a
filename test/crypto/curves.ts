// The curves that the tests go through, and the same ones in the engine that the product does not use for most of them.
import {
  BRAINPOOL_P256R1,
  BRAINPOOL_P384R1,
  BRAINPOOL_P512R1,
  P256,
  P384,
  P521,
  SECP256K1,
} from "../../src/crypto/curves.ts";

export { nobleCurves as noble } from "../../src/crypto/noble-curves.ts";

export const curves = [P256, P384, P521, SECP256K1, BRAINPOOL_P256R1, BRAINPOOL_P384R1, BRAINPOOL_P512R1];

export const curveOf = (name: string) => curves.find((curve) => curve.name === name) ?? P256;
