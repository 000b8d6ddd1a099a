// What the control socket answers: one line of a table for each route, and how its body becomes arguments.
import { type PendingPresence, PROMPT_MS } from "../presence/pending.ts";
import type { KeyEvents } from "./events.ts";
import type { JsonMembers } from "./json-members.ts";
import type { Administration, AttestationRequest, CardAnswer, KeyStatus, PowerCycleAnswer } from "./messages.ts";
import { oathOrders } from "./oath-routes.ts";
import { openPgpOrders } from "./openpgp-routes.ts";
import { otpOrders } from "./otp-routes.ts";
import { pivOrders } from "./piv-routes.ts";
import { Refusal } from "./refusal.ts";
import { answerTouch, type PressOutcome } from "./touch.ts";

/** A running key, as its socket sees it. */
export interface ControlledKey {
  status(): KeyStatus;
  readonly events: KeyEvents;
  /** Undefined when nobody is asked: `--touch auto` and `deny`. */
  readonly pending: PendingPresence | undefined;
  /** Whether there is one since the key was plugged in. */
  readonly hasKeyboard: boolean;
  /** A touch that nothing waits for. */
  pressTouch(long: boolean): Promise<PressOutcome>;
  /** Unplugs the key and takes its power away. */
  powerCycle(): Promise<PowerCycleAnswer>;
  /** Takes the card out of its reader, or puts it back. */
  moveCard(where: CardAnswer["card"]): CardAnswer;
  readonly administration: Administration;
}

/** Resolves with what becomes JSON, rejects with Refusal. `signal` aborts when the client has gone. */
export type Route = (key: ControlledKey, body: JsonMembers, signal: AbortSignal) => Promise<unknown>;

const MAX_WAIT_MS = 20 * PROMPT_MS;
const MAX_ID = Number.MAX_SAFE_INTEGER;

/** By GET, and without a body. */
export const questions: ReadonlyMap<string, Route> = new Map([["/v1/status", bare(async (key) => key.status())]]);

/** By POST. */
export const orders: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/v1/touch", touch],
  ["/v1/power-cycle", bare((key) => key.powerCycle())],
  ["/v1/card/eject", bare(async (key) => key.moveCard("out"))],
  ["/v1/card/insert", bare(async (key) => key.moveCard("in"))],
  ["/v1/fido/info", bare(({ administration }) => administration.fidoInfo())],
  ["/v1/fido/credentials", fidoCredentials],
  ["/v1/fido/delete", fidoDelete],
  ["/v1/fido/set-pin", fidoSetPin],
  ["/v1/fido/change-pin", fidoChangePin],
  ["/v1/fido/reset", bare(({ administration }) => administration.resetFido())],
  ["/v1/attestation/show", bare(({ administration }) => administration.showAttestation())],
  ["/v1/attestation/create", attestationCreate],
  ["/v1/attestation/remove", bare(({ administration }) => administration.removeAttestation())],
  ["/v1/identity/show", bare(({ administration }) => administration.showIdentity())],
  ["/v1/identity/configure", identityConfigure],
  ["/v1/metadata", bare(({ administration }) => administration.metadata())],
  ...oathOrders,
  ...openPgpOrders,
  ...otpOrders,
  ...pivOrders,
]);

/** A route that takes nothing. */
function bare(run: (key: ControlledKey) => Promise<unknown>): Route {
  return (key, body) => {
    body.end();
    return run(key);
  };
}

async function touch(key: ControlledKey, body: JsonMembers, signal: AbortSignal): Promise<unknown> {
  const id = body.optionalCount("id", MAX_ID);
  const granted = body.boolean("granted");
  const long = body.optionalBoolean("long") ?? false;
  const verified = body.optionalBoolean("verified") ?? false;
  const waitMs = body.optionalCount("waitMs", MAX_WAIT_MS) ?? 0;
  body.end();
  return answerTouch(key, { ...(id === undefined ? {} : { id }), granted, long, verified, waitMs }, signal);
}

async function fidoCredentials({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const pin = body.optionalText("pin");
  body.end();
  return administration.listCredentials(pin);
}

async function fidoDelete({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const id = body.text("id");
  const pin = body.optionalText("pin");
  body.end();
  return administration.deleteCredential(id, pin);
}

async function fidoSetPin({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const newPin = body.text("newPin");
  body.end();
  return administration.setPin(newPin);
}

async function fidoChangePin({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const pin = body.text("pin");
  const newPin = body.text("newPin");
  body.end();
  return administration.changePin(pin, newPin);
}

async function attestationCreate({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const kind = body.text("kind");
  const rpIds = body.optionalTexts("rpIds");
  const country = body.optionalText("country");
  const organization = body.optionalText("organization");
  const replace = body.optionalBoolean("replace") ?? false;
  body.end();
  if (kind !== "batch" && kind !== "enterprise") {
    throw new Refusal("bad-request", '"kind" has to be "batch" or "enterprise".');
  }
  const request: AttestationRequest = {
    kind,
    replace,
    ...(rpIds === undefined ? {} : { rpIds }),
    ...(country === undefined ? {} : { country }),
    ...(organization === undefined ? {} : { organization }),
  };
  return administration.createAttestation(request);
}

async function identityConfigure({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const enable = body.optionalTexts("enable") ?? [];
  const disable = body.optionalTexts("disable") ?? [];
  const reset = body.optionalBoolean("reset") ?? false;
  body.end();
  return administration.configure({ enable, disable, reset });
}
