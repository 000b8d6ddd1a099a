// The algorithms for key pairs. SP 800-78-4 table 6-2; RSA 3072 and 4096, Ed25519 and X25519 are Yubico's, and RSA 1024
// is as in firmware 5.7: still there outside of FIPS models.
import { P256, P384 } from "../../../src/crypto/curves.ts";
import { AlgorithmId } from "../identifiers.ts";
import type { KeyAlgorithm } from "./algorithm.ts";
import { ed25519, x25519 } from "./curve25519.ts";
import { ec } from "./ec.ts";
import { rsa } from "./rsa.ts";

const algorithms: readonly KeyAlgorithm[] = [
  rsa(AlgorithmId.RSA1024, 1024),
  rsa(AlgorithmId.RSA2048, 2048),
  rsa(AlgorithmId.RSA3072, 3072),
  rsa(AlgorithmId.RSA4096, 4096),
  ec(AlgorithmId.P256, P256, "sha256"),
  ec(AlgorithmId.P384, P384, "sha384"),
  ed25519(AlgorithmId.ED25519),
  x25519(AlgorithmId.X25519),
];

export function findAlgorithm(id: number): KeyAlgorithm | undefined {
  return algorithms.find((algorithm) => algorithm.id === id);
}
