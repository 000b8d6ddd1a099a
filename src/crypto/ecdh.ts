// Elliptic-curve Diffie-Hellman, by OpenSSL. SP 800-56A §5.7.1.2: the shared secret is the x coordinate.
import { createECDH } from "node:crypto";
import type { EcCurve } from "./curves.ts";
import { splitEcPoint } from "./ec-key.ts";

/**
 * The x coordinate, `curve.bytes` long. Throws RangeError when the peer's public key is not an uncompressed point on
 * the curve: OpenSSL checks it, which keeps out invalid-curve attacks.
 */
export function computeEcdh(curve: EcCurve, privateKey: Uint8Array, peerPublicKey: Uint8Array): Uint8Array {
  splitEcPoint(curve, peerPublicKey);
  const ecdh = createECDH(curve.openssl);
  ecdh.setPrivateKey(privateKey);
  try {
    return ecdh.computeSecret(peerPublicKey);
  } catch (cause) {
    throw new RangeError(`not a public key of ${curve.name}`, { cause });
  }
}
