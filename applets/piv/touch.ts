// The touch that a key's policy asks for before each use: never, always, or again once 15 s have gone by ("cached").
// Yubico, PIV "Touch policies"
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { requestTouch } from "../../src/touch.ts";
import type { Transport } from "../../src/transport.ts";
import type { PivContext } from "./context.ts";
import { slotName, TouchPolicy } from "./identifiers.ts";

const CACHED_FOR = 15_000;

/** `action`: for the prompt. Throws 6982 unless the person touches, as a YubiKey does when nobody did in time. */
export async function requireTouch(
  { platform, session }: PivContext,
  transport: Transport,
  slot: number,
  policy: number,
  action: string,
): Promise<void> {
  if (policy === TouchPolicy.NEVER) return;
  const last = session.touchedAt.get(slot);
  const now = platform.clock.now();
  if (policy === TouchPolicy.CACHED && last !== undefined && now - last < CACHED_FOR) return;
  const prompt = { applet: "PIV", action, subject: `slot ${slotName(slot)}` };
  const outcome = await requestTouch(platform, transport, prompt, () => session.timesForgotten);
  if (outcome !== "granted") throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
  session.touchedAt.set(slot, platform.clock.now());
}
