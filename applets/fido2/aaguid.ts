// What tells this model of authenticator from others. WebAuthn §6.1, "aaguid"
import { fromHex } from "../../src/bytes/hex.ts";

/** The model, not the one device: 6ef40769-a9a4-4bde-bf39-8ff256953245. */
export const AAGUID = fromHex("6ef40769a9a44bdebf398ff256953245");
