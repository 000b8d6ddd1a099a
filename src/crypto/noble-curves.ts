// What @noble/curves has of our curves, by their names. Only ecdsa-digest.ts imports it, when it is first needed.
import { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } from "@noble/curves/misc.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";

export const nobleCurves = {
  "P-256": p256,
  "P-384": p384,
  "P-521": p521,
  secp256k1,
  brainpoolP256r1,
  brainpoolP384r1,
  brainpoolP512r1,
} as const;

// The table itself is made by the first signature: ecdsa-digest.ts says what it costs and saves.
p256.Point.BASE.precompute(8);
