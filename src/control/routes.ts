// What the control socket answers: one line of a table for each route, and how its body becomes arguments. What concerns
// one application is in a file of its own: …-routes.ts.
import { PROMPT_MS } from "../presence/pending.ts";
import { attestationOrders } from "./attestation-routes.ts";
import { fidoOrders } from "./fido-routes.ts";
import { identityOrders } from "./identity-routes.ts";
import type { JsonMembers } from "./json-members.ts";
import { oathOrders } from "./oath-routes.ts";
import { openPgpOrders } from "./openpgp-routes.ts";
import { otpOrders } from "./otp-routes.ts";
import { pivOrders } from "./piv-routes.ts";
import { bare, type ControlledKey, type Route } from "./route.ts";
import { answerTouch } from "./touch.ts";

const MAX_WAIT_MS = 20 * PROMPT_MS;
const MAX_ID = Number.MAX_SAFE_INTEGER;

/** By GET, and without a body. */
export const questions: ReadonlyMap<string, Route> = new Map([["/v1/status", bare(async (key) => key.status())]]);

/** By POST. */
export const orders: ReadonlyMap<string, Route> = new Map([
  ["/v1/touch", touch],
  ["/v1/power-cycle", bare((key) => key.powerCycle())],
  ["/v1/card/eject", bare(async (key) => key.moveCard("out"))],
  ["/v1/card/insert", bare(async (key) => key.moveCard("in"))],
  ...fidoOrders,
  ...attestationOrders,
  ...identityOrders,
  ...oathOrders,
  ...openPgpOrders,
  ...otpOrders,
  ...pivOrders,
]);

async function touch(key: ControlledKey, body: JsonMembers, signal: AbortSignal): Promise<unknown> {
  const id = body.optionalCount("id", MAX_ID);
  const granted = body.boolean("granted");
  const long = body.optionalBoolean("long") ?? false;
  const verified = body.optionalBoolean("verified") ?? false;
  const waitMs = body.optionalCount("waitMs", MAX_WAIT_MS) ?? 0;
  body.end();
  return answerTouch(key, { ...(id === undefined ? {} : { id }), granted, long, verified, waitMs }, signal);
}
