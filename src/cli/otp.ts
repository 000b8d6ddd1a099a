// `latchkey otp …`: a key's OTP slots for its owner, on a key that runs or on the store of one that does not. Secrets come
// from a file, from standard input or from the terminal, never from the command line, which everybody can read.
import { readFileSync } from "node:fs";
import { parseBase32 } from "../bytes/base32.ts";
import { toHex } from "../bytes/hex.ts";
import type { OtpInfo, OtpSlotKind, OtpSlotRequest, OtpSlotSummary } from "../control/otp-messages.ts";
import { askPassphrase } from "./ask-passphrase.ts";
import { type KeyOptions, withKey } from "./choose-key.ts";
import { confirm } from "./confirm.ts";
import { Failure } from "./failure.ts";
import { readSecretFile } from "./key-file.ts";
import type { Surroundings } from "./open-store.ts";
import type { JsonOption, Print } from "./output.ts";

export interface OtpSetOptions {
  readonly secretFile?: string;
  readonly generate: boolean;
  readonly length?: number;
  readonly publicId?: string;
  readonly digits?: "6" | "8";
  readonly counter?: number;
  readonly button: boolean;
  readonly enter: boolean;
  readonly replace: boolean;
}

const KIND_NAMES = {
  yubico: "Yubico OTP",
  hotp: "HOTP",
  static: "static password",
  chalresp: "HMAC-SHA1 challenge-response",
  "chalresp-yubico": "Yubico OTP challenge-response",
} as const;

/** How a secret is asked for at the terminal. */
const QUESTIONS: Readonly<Record<OtpSlotKind, string>> = {
  yubico: "Private id and key, in hexadecimal: ",
  hotp: "Key, in base32: ",
  static: "Password: ",
  chalresp: "Key, in hexadecimal: ",
};

/** What `--secret-file` calls standard input. */
const STANDARD_INPUT = "-";

export function otpInfo(options: KeyOptions & JsonOption, around: Surroundings, print: Print): Promise<void> {
  return withKey(options, around, async (key) => show(await key.otp.info(), options, print));
}

export async function otpSet(
  slot: 1 | 2,
  kind: OtpSlotKind,
  options: KeyOptions & JsonOption & OtpSetOptions,
  around: Surroundings,
  print: Print,
): Promise<void> {
  const request = slotRequest(slot, kind, options, await obtainSecret(kind, options, around));
  await withKey(options, around, async (key) => {
    const answer = await key.otp.set(request);
    if (options.json) {
      print(JSON.stringify(answer));
      return;
    }
    print(describeSlot(answer.slot));
    const { privateId, key: secret, password } = answer.generated;
    if (privateId !== undefined) print(`  private id: ${privateId}`);
    if (secret !== undefined) print(`  key: ${secret}`);
    if (password !== undefined) print(`  password: ${password}`);
  });
}

export function otpDelete(
  slot: 1 | 2,
  options: KeyOptions & JsonOption & { readonly yes: boolean },
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    await confirm(`Delete what OTP slot ${slot} has`, options.yes, around);
    await key.otp.delete(slot);
    print(options.json ? JSON.stringify({ deleted: slot }) : `Slot ${slot} is empty.`);
  });
}

export function otpSwap(options: KeyOptions & JsonOption, around: Surroundings, print: Print): Promise<void> {
  return withKey(options, around, async (key) => show(await key.otp.swap(), options, print));
}

function show(info: OtpInfo, { json }: JsonOption, print: Print): void {
  if (json) {
    print(JSON.stringify(info));
    return;
  }
  print(`Key ${info.serial}, to programs ${info.cardSerial}`);
  for (const slot of info.slots) print(`  ${describeSlot(slot)}`);
  print(`  keyboard: ${info.keyboard ? "on" : "off, until the key is plugged in anew with a slot configured"}`);
}

function describeSlot(summary: OtpSlotSummary): string {
  if (!summary.configured) return `Slot ${summary.slot}: empty`;
  const { kind, touch, publicId, digits, counter } = summary;
  const parts: string[] = [KIND_NAMES[kind]];
  if (publicId !== undefined) parts.push(`public id ${publicId}`);
  if (digits !== undefined) parts.push(`${digits} digits`);
  if (counter !== undefined) parts.push(`next counter ${counter}`);
  if (kind.startsWith("chalresp")) parts.push(touch ? "after a touch" : "without a touch");
  if (summary.dormant) parts.push("dormant");
  if (summary.accessCode) parts.push("protected by an access code");
  return `Slot ${summary.slot}: ${parts.join(", ")}`;
}

/** Undefined when the key shall draw it. */
async function obtainSecret(
  kind: OtpSlotKind,
  { secretFile, generate }: OtpSetOptions,
  { terminal }: Surroundings,
): Promise<string | undefined> {
  if (generate && secretFile !== undefined) throw new Failure("Give --secret-file or --generate, not both.");
  if (generate) return undefined;
  if (secretFile !== undefined) {
    const text = secretFile === STANDARD_INPUT ? readFileSync(0, "utf8") : readSecretFile(secretFile);
    return text.replace(/\r?\n$/, "");
  }
  if (terminal === undefined) {
    throw new Failure("The secret is needed, and there is no terminal to ask at: give --secret-file or --generate.");
  }
  return askPassphrase(terminal, QUESTIONS[kind], "secret");
}

function slotRequest(
  slot: 1 | 2,
  kind: OtpSlotKind,
  options: OtpSetOptions,
  secret: string | undefined,
): OtpSlotRequest {
  const { length, publicId, digits, counter, button, enter, replace } = options;
  return {
    slot,
    kind,
    replace,
    ...(secret !== undefined && secretMembers(kind, secret)),
    ...(length !== undefined && { length }),
    ...(publicId !== undefined && { publicId }),
    ...(digits !== undefined && { digits: digits === "8" ? 8 : 6 }),
    ...(counter !== undefined && { counter }),
    ...(button && { touch: true }),
    ...(!enter && { enter: false }),
  };
}

function secretMembers(kind: OtpSlotKind, secret: string): Partial<OtpSlotRequest> {
  switch (kind) {
    case "static":
      return { password: secret };
    case "chalresp":
      return { key: secret.replace(/\s/g, "") };
    case "hotp": {
      const key = parseBase32(secret);
      if (key === undefined || key.length === 0) throw new Failure("The key of HOTP is not base32.");
      return { key: toHex(key) };
    }
    case "yubico": {
      const [privateId, key, ...rest] = secret.trim().split(/\s+/);
      if (privateId === undefined || key === undefined || rest.length > 0) {
        throw new Failure("Yubico OTP has two secrets: the private id and the key, with a space between them.");
      }
      return { privateId, key };
    }
  }
}
