// The control socket's routes for PIV.
import type { JsonMembers } from "./json-members.ts";
import type { PivOwner } from "./piv-messages.ts";

interface OwnedKey {
  readonly administration: PivOwner;
}

type PivRoute = (key: OwnedKey, body: JsonMembers) => Promise<unknown>;

/** By POST. */
export const pivOrders: readonly (readonly [string, PivRoute])[] = [
  ["/v1/piv/info", pivInfo],
  ["/v1/piv/reset", pivReset],
];

async function pivInfo({ administration }: OwnedKey, body: JsonMembers): Promise<unknown> {
  body.end();
  return administration.pivInfo();
}

async function pivReset({ administration }: OwnedKey, body: JsonMembers): Promise<unknown> {
  body.end();
  return administration.resetPiv();
}
