// The control socket's routes for the OpenPGP card.
import type { JsonMembers } from "./json-members.ts";
import { OPENPGP_KEYS, OPENPGP_TOUCH_POLICIES } from "./openpgp-messages.ts";
import { bare, type ControlledKey, type RouteEntry } from "./route.ts";

export const openPgpOrders: readonly RouteEntry[] = [
  ["/v1/openpgp/info", bare(({ administration }) => administration.openpgp.info())],
  ["/v1/openpgp/set-touch", setTouch],
  ["/v1/openpgp/reset", bare(({ administration }) => administration.openpgp.reset())],
];

async function setTouch({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const key = body.oneOf("key", OPENPGP_KEYS);
  const policy = body.oneOf("policy", OPENPGP_TOUCH_POLICIES);
  body.end();
  return administration.openpgp.setTouch({ key, policy });
}
