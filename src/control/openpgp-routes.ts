// The control socket's routes for the OpenPGP card.
import type { JsonMembers } from "./json-members.ts";
import { OPENPGP_KEYS, OPENPGP_TOUCH_POLICIES, type OpenPgpOwner } from "./openpgp-messages.ts";
import { Refusal } from "./refusal.ts";

interface OwnedKey {
  readonly administration: OpenPgpOwner;
}

type OpenPgpRoute = (key: OwnedKey, body: JsonMembers) => Promise<unknown>;

/** By POST. */
export const openPgpOrders: readonly (readonly [string, OpenPgpRoute])[] = [
  ["/v1/openpgp/info", openPgpInfo],
  ["/v1/openpgp/set-touch", openPgpSetTouch],
  ["/v1/openpgp/reset", openPgpReset],
];

async function openPgpInfo({ administration }: OwnedKey, body: JsonMembers): Promise<unknown> {
  body.end();
  return administration.openPgpInfo();
}

async function openPgpSetTouch({ administration }: OwnedKey, body: JsonMembers): Promise<unknown> {
  const key = oneOf("key", OPENPGP_KEYS, body.text("key"));
  const policy = oneOf("policy", OPENPGP_TOUCH_POLICIES, body.text("policy"));
  body.end();
  return administration.setOpenPgpTouch({ key, policy });
}

async function openPgpReset({ administration }: OwnedKey, body: JsonMembers): Promise<unknown> {
  body.end();
  return administration.resetOpenPgp();
}

function oneOf<T extends string>(member: string, known: readonly T[], text: string): T {
  const found = known.find((candidate) => candidate === text);
  if (found === undefined) throw new Refusal("bad-request", `"${member}" has to be one of ${known.join(", ")}.`);
  return found;
}
