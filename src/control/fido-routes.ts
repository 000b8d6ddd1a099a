// The control socket's routes for FIDO2.
import type { JsonMembers } from "./json-members.ts";
import { bare, type ControlledKey, type RouteEntry } from "./route.ts";

export const fidoOrders: readonly RouteEntry[] = [
  ["/v1/fido/info", bare(({ administration }) => administration.fido.info())],
  ["/v1/fido/credentials", listCredentials],
  ["/v1/fido/delete", deleteCredential],
  ["/v1/fido/set-pin", setPin],
  ["/v1/fido/change-pin", changePin],
  ["/v1/fido/reset", bare(({ administration }) => administration.fido.reset())],
  ["/v1/metadata", bare(({ administration }) => administration.fido.metadata())],
];

async function listCredentials({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const pin = body.optionalText("pin");
  body.end();
  return administration.fido.listCredentials(pin);
}

async function deleteCredential({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const id = body.text("id");
  const pin = body.optionalText("pin");
  body.end();
  return administration.fido.deleteCredential(id, pin);
}

async function setPin({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const newPin = body.text("newPin");
  body.end();
  return administration.fido.setPin(newPin);
}

async function changePin({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
  const pin = body.text("pin");
  const newPin = body.text("newPin");
  body.end();
  return administration.fido.changePin(pin, newPin);
}
