// authenticatorGetInfo (0x04): what this authenticator can do. Every claim is kept. CTAP 2.3 §6.4

import { fromHex } from "../../src/bytes/hex.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import type { Fido2Context } from "./context.ts";
import { supportedAlgorithms } from "./cose-key.ts";
import { requireNoParameters } from "./parameters.ts";

/** The model, not the one device: 6ef40769-a9a4-4bde-bf39-8ff256953245. */
export const AAGUID = fromHex("6ef40769a9a44bdebf398ff256953245");

const Response = {
  VERSIONS: 0x01,
  AAGUID: 0x03,
  OPTIONS: 0x04,
  MAX_MSG_SIZE: 0x05,
  TRANSPORTS: 0x09,
  ALGORITHMS: 0x0a,
} as const;

export async function getInfo({ options }: Fido2Context, data: Uint8Array): Promise<CborMap> {
  requireNoParameters(data);
  return new Map<CborValue, CborValue>([
    [Response.VERSIONS, ["U2F_V2", "FIDO_2_0"]],
    [Response.AAGUID, AAGUID],
    [Response.OPTIONS, encodeOptions()],
    [Response.MAX_MSG_SIZE, options.maxMsgSize],
    [Response.TRANSPORTS, ["usb"]],
    [Response.ALGORITHMS, supportedAlgorithms.map(encodeAlgorithm)],
  ]);
}

/** Neither "uv" nor "clientPin": a mere false would promise that they can be set up. OpenSSH stumbles over "uv". */
function encodeOptions(): CborMap {
  return new Map<CborValue, CborValue>([
    ["rk", true],
    ["up", true],
    ["plat", false],
  ]);
}

function encodeAlgorithm(algorithm: number): CborMap {
  return new Map<CborValue, CborValue>([
    ["alg", algorithm],
    ["type", "public-key"],
  ]);
}
