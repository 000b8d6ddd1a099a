// U2F_AUTHENTICATE: a signature with a key handle. FIDO U2F Raw Messages v1.2 §5
//
//   request    challenge 32 | application 32 | key handle length 1 | key handle
//   response   user presence 1 | counter 4 | signature (DER)
import { concat } from "../../src/bytes/concat.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import { Reader, ReaderError } from "../../src/bytes/reader.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Transport } from "../../src/transport.ts";
import { CoseAlgorithm } from "../fido2/credentials.ts";
import type { U2fContext } from "./context.ts";
import { requireUserPresence } from "./user-presence.ts";

/** The control byte, P1. §5.1 */
const Control = { CHECK_ONLY: 0x07, ENFORCE_USER_PRESENCE: 0x03, DONT_ENFORCE_USER_PRESENCE: 0x08 } as const;

function parseRequest(data: Uint8Array) {
  const reader = new Reader(data);
  try {
    const challenge = reader.bytes(32);
    const application = reader.bytes(32);
    const keyHandle = reader.bytes(reader.u8());
    reader.end();
    return { challenge, application, keyHandle };
  } catch (error) {
    if (error instanceof ReaderError) throw new StatusError(StatusWord.WRONG_LENGTH);
    throw error;
  }
}

export async function authenticate(
  context: U2fContext,
  control: number,
  data: Uint8Array,
  transport: Transport,
): Promise<Uint8Array> {
  const { challenge, application, keyHandle } = parseRequest(data);
  if (!Object.values<number>(Control).includes(control)) throw new StatusError(StatusWord.INCORRECT_P1_P2);

  // A key handle of another key, or for another application, is "bad"; so is one of an algorithm that U2F lacks.
  const credential = context.credentials.find(application, keyHandle);
  // And one that needs user verification, which U2F does not know, is none that U2F may use: CTAP 2.3 §12.1.
  if (credential?.algorithm !== CoseAlgorithm.ES256 || !credential.isVisible(false, true)) {
    throw new StatusError(StatusWord.WRONG_DATA);
  }

  // Check-only never signs: 6985 means "mine, and it would have to be touched".
  if (control === Control.CHECK_ONLY) throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  const userPresent = control === Control.ENFORCE_USER_PRESENCE;
  if (userPresent) requireUserPresence(context.platform, transport, "sign in", application);

  const counter = encodeU32be(await context.credentials.nextSignatureCount());
  const presence = Uint8Array.of(userPresent ? 0x01 : 0x00);
  const signature = credential.sign(concat(application, presence, counter, challenge));
  return concat(presence, counter, signature);
}
