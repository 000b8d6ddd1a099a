// The control socket's routes for OTP slots.
import type { JsonMembers } from "./json-members.ts";
import { OTP_SLOT_KINDS, type OtpSlotRequest } from "./otp-messages.ts";
import { Refusal } from "./refusal.ts";
import { bare, type RouteEntry } from "./route.ts";

const MAX_LENGTH = 0xff;
const MAX_COUNTER = 0xf_ffff;

export const otpOrders: readonly RouteEntry[] = [
  ["/v1/otp/info", bare(({ administration }) => administration.otp.info())],
  ["/v1/otp/set", async ({ administration }, body) => administration.otp.set(slotRequest(body))],
  ["/v1/otp/delete", async ({ administration }, body) => administration.otp.delete(onlySlotNumber(body))],
  ["/v1/otp/swap", bare(({ administration }) => administration.otp.swap())],
];

function onlySlotNumber(body: JsonMembers): 1 | 2 {
  const slot = slotNumber(body);
  body.end();
  return slot;
}

function slotNumber(body: JsonMembers): 1 | 2 {
  const slot = body.optionalCount("slot", 2);
  if (slot !== 1 && slot !== 2) throw new Refusal("bad-request", '"slot" has to be 1 or 2.');
  return slot;
}

function slotRequest(body: JsonMembers): OtpSlotRequest {
  const slot = slotNumber(body);
  const kind = body.oneOf("kind", OTP_SLOT_KINDS);
  const digits = body.optionalCount("digits", 8);
  if (digits !== undefined && digits !== 6 && digits !== 8) {
    throw new Refusal("bad-request", '"digits" has to be 6 or 8.');
  }
  const given = {
    key: body.optionalText("key"),
    publicId: body.optionalText("publicId"),
    privateId: body.optionalText("privateId"),
    password: body.optionalText("password"),
    length: body.optionalCount("length", MAX_LENGTH),
    digits,
    counter: body.optionalCount("counter", MAX_COUNTER),
    touch: body.optionalBoolean("touch"),
    enter: body.optionalBoolean("enter"),
    replace: body.optionalBoolean("replace"),
  };
  body.end();
  const members = Object.entries(given).filter(([, value]) => value !== undefined);
  return { slot, kind, ...(Object.fromEntries(members) as Omit<OtpSlotRequest, "slot" | "kind">) };
}
