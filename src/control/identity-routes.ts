// The control socket's routes for a key's identity and applications.
import type { JsonMembers } from "./json-members.ts";
import { bare, type ControlledKey, type RouteEntry } from "./route.ts";

export const identityOrders: readonly RouteEntry[] = [
  ["/v1/identity/show", bare(({ administration }) => administration.identity.show())],
  ["/v1/identity/configure", configure],
];

async function configure({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const enable = body.optionalTexts("enable") ?? [];
  const disable = body.optionalTexts("disable") ?? [];
  const reset = body.optionalBoolean("reset") ?? false;
  body.end();
  return administration.identity.configure({ enable, disable, reset });
}
