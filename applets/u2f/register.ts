// U2F_REGISTER: a new key pair for an application, with a certificate over it. FIDO U2F Raw Messages v1.2 §4
//
//   request    challenge 32 | application 32
//   response   05 | user public key 65 | key handle length 1 | key handle | certificate (DER) | signature (DER)
import { concat } from "../../src/bytes/concat.ts";
import { bytes, struct } from "../../src/bytes/struct.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Transport } from "../../src/transport.ts";
import { CoseAlgorithm } from "../fido2/credentials.ts";
import { createCertificate } from "./certificate.ts";
import type { U2fContext } from "./context.ts";
import { requireUserPresence } from "./user-presence.ts";

const Request = struct({ challenge: bytes(32), application: bytes(32) });

/** "Reserved for legacy reasons": §4.3 for the response, §4.3 again for what is signed. */
const RESPONSE_RESERVED = Uint8Array.of(0x05);
const SIGNED_RESERVED = Uint8Array.of(0x00);

export async function register(context: U2fContext, data: Uint8Array, transport: Transport): Promise<Uint8Array> {
  if (data.length !== Request.size) throw new StatusError(StatusWord.WRONG_LENGTH);
  const { challenge, application } = Request.parse(data);
  requireUserPresence(context.platform, transport, "register", application);

  const { credential, publicKey } = await context.credentials.createSealed(application, CoseAlgorithm.ES256);
  const certificate = createCertificate(context.platform, credential, publicKey);
  const signature = credential.sign(concat(SIGNED_RESERVED, application, challenge, credential.id, publicKey));
  const length = Uint8Array.of(credential.id.length);
  return concat(RESPONSE_RESERVED, publicKey, length, credential.id, certificate, signature);
}
