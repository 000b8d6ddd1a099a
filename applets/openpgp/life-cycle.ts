// TERMINATE DF erases the card, ACTIVATE FILE brings it back as it was when it was new. OpenPGP 3.4.1 §7.2.16, §7.2.17
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { OpenPgpContext } from "./context.ts";

const NOTHING = new Uint8Array(0);

/** For who knows PW3, or, so that nobody is left with a dead card, for anybody once PW3 is blocked. */
export async function terminate(context: OpenPgpContext): Promise<Uint8Array> {
  const { passwords, persistent, volatile, keys } = context;
  if (persistent.isTerminated) return NOTHING;
  if (!volatile.pw3 && passwords.tries("PW3") > 0) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
  await persistent.terminate();
  volatile.forget();
  keys.unload();
  return NOTHING;
}

/** Does nothing to a card that is in use. */
export async function activate({ persistent }: OpenPgpContext): Promise<Uint8Array> {
  if (persistent.isTerminated) await persistent.activate();
  return NOTHING;
}
