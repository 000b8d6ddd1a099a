// The control socket's routes for OATH.
import type { JsonMembers } from "./json-members.ts";
import type { OathAddRequest } from "./oath-messages.ts";
import { bare, type ControlledKey, type RouteEntry } from "./route.ts";

export const oathOrders: readonly RouteEntry[] = [
  ["/v1/oath/list", bare(({ administration }) => administration.oath.list())],
  ["/v1/oath/add", add],
  ["/v1/oath/code", async ({ administration }, body, gone) => administration.oath.code(onlyName(body), gone)],
  ["/v1/oath/delete", async ({ administration }, body) => administration.oath.delete(onlyName(body))],
  ["/v1/oath/reset", bare(({ administration }) => administration.oath.reset())],
];

async function add({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const request: OathAddRequest = {
    uri: body.text("uri"),
    touch: body.optionalBoolean("touch") ?? false,
    replace: body.optionalBoolean("replace") ?? false,
  };
  body.end();
  return administration.oath.add(request);
}

function onlyName(body: JsonMembers): string {
  const name = body.text("name");
  body.end();
  return name;
}
