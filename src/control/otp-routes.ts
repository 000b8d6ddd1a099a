// What the control socket answers about OTP slots.
import type { JsonMembers } from "./json-members.ts";
import { OTP_SLOT_KINDS, type OtpSlotKind, type OtpSlotRequest } from "./messages.ts";
import { Refusal } from "./refusal.ts";
import type { Route } from "./routes.ts";

const MAX_LENGTH = 0xff;
const MAX_COUNTER = 0xf_ffff;

/** By POST. */
export const otpOrders: readonly (readonly [string, Route])[] = [
  ["/v1/otp/info", bare(({ administration }) => administration.otpInfo())],
  ["/v1/otp/set", async ({ administration }, body) => administration.setOtpSlot(slotRequest(body))],
  ["/v1/otp/delete", async ({ administration }, body) => administration.deleteOtpSlot(onlySlotNumber(body))],
  ["/v1/otp/swap", bare(({ administration }) => administration.swapOtpSlots())],
];

function bare(run: (...key: Parameters<Route>) => Promise<unknown>): Route {
  return (key, body, signal) => {
    body.end();
    return run(key, body, signal);
  };
}

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
  const kind = body.text("kind");
  if (!isKind(kind)) throw new Refusal("bad-request", `"kind" has to be one of ${OTP_SLOT_KINDS.join(", ")}.`);
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

function isKind(text: string): text is OtpSlotKind {
  return (OTP_SLOT_KINDS as readonly string[]).includes(text);
}
