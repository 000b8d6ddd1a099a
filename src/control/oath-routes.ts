// The control socket's routes for OATH.
import type { JsonMembers } from "./json-members.ts";
import type { OathAddRequest, OathOwner } from "./oath-messages.ts";

interface OwnedKey {
  readonly administration: OathOwner;
}

type OathRoute = (key: OwnedKey, body: JsonMembers) => Promise<unknown>;

/** By POST. */
export const oathOrders: readonly (readonly [string, OathRoute])[] = [
  ["/v1/oath/list", oathList],
  ["/v1/oath/add", oathAdd],
  ["/v1/oath/code", oathCode],
  ["/v1/oath/delete", oathDelete],
  ["/v1/oath/reset", oathReset],
];

async function oathList({ administration }: OwnedKey, body: JsonMembers): Promise<unknown> {
  body.end();
  return administration.listOathAccounts();
}

async function oathAdd({ administration }: OwnedKey, body: JsonMembers): Promise<unknown> {
  const request: OathAddRequest = {
    uri: body.text("uri"),
    touch: body.optionalBoolean("touch") ?? false,
    replace: body.optionalBoolean("replace") ?? false,
  };
  body.end();
  return administration.addOathAccount(request);
}

async function oathCode({ administration }: OwnedKey, body: JsonMembers): Promise<unknown> {
  const name = body.text("name");
  body.end();
  return administration.oathCode(name);
}

async function oathDelete({ administration }: OwnedKey, body: JsonMembers): Promise<unknown> {
  const name = body.text("name");
  body.end();
  return administration.deleteOathAccount(name);
}

async function oathReset({ administration }: OwnedKey, body: JsonMembers): Promise<unknown> {
  body.end();
  return administration.resetOath();
}
