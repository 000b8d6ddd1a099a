// What a key will not do for its owner, said so that a person knows what to do next. It travels over the control
// socket as JSON, and comes out of the client as it went in.

/** Stable: scripts look at them. The number is the HTTP status that goes with it. */
export const RefusalCode = {
  "bad-request": 400,
  forbidden: 403,
  "not-found": 404,
  "method-not-allowed": 405,
  "too-large": 413,
  "nothing-waits": 409,
  "not-asking": 409,
  "deliberate-touch": 409,
  "pin-required": 409,
  "pin-not-set": 409,
  "pin-already-set": 409,
  "pin-invalid": 409,
  "pin-blocked": 409,
  "pin-policy": 409,
  "no-such-credential": 409,
  "attestation-exists": 409,
  "no-such-account": 409,
  "account-exists": 409,
  "no-space": 409,
  "otp-slot-configured": 409,
  "otp-slot-empty": 409,
  refused: 409,
  failed: 500,
} as const;
export type RefusalCode = keyof typeof RefusalCode;

export function isRefusalCode(text: unknown): text is RefusalCode {
  return typeof text === "string" && Object.hasOwn(RefusalCode, text);
}

/** `message` is one sentence for people; it never holds a PIN. */
export class Refusal extends Error {
  override name = "Refusal";
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** No key answers at the socket. `message` is a sentence for people. */
export class NotRunning extends Error {
  override name = "NotRunning";
  /** Whether there is nobody for sure, so that the socket is a dead one. */
  readonly isGone: boolean;

  constructor(message: string, isGone: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isGone = isGone;
  }
}
