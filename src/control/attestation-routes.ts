// The control socket's routes for attestation certificates.
import type { AttestationRequest } from "./attestation-messages.ts";
import type { JsonMembers } from "./json-members.ts";
import { Refusal } from "./refusal.ts";
import { bare, type ControlledKey, type RouteEntry } from "./route.ts";

export const attestationOrders: readonly RouteEntry[] = [
  ["/v1/attestation/show", bare(({ administration }) => administration.attestation.show())],
  ["/v1/attestation/create", create],
  ["/v1/attestation/remove", bare(({ administration }) => administration.attestation.remove())],
];

async function create({ administration }: ControlledKey, body: JsonMembers): Promise<unknown> {
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
  return administration.attestation.create(request);
}
