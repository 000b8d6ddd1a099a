// The commander face of `latchkey otp`.
import { type Command, InvalidArgumentError, Option } from "commander";
import { OTP_SLOT_KINDS, type OtpSlotKind } from "../control/otp-messages.ts";
import type { Print } from "./output.ts";
import { processSurroundings } from "./store-commands.ts";
import { withKeyOptions } from "./with-key-options.ts";

export function addOtpCommands(program: Command, print: Print): void {
  const load = () => import("./otp.ts");
  const otp = program.command("otp").description("look after the OTP slots");
  const json = ["--json", "as JSON", false] as const;

  withKeyOptions(otp.command("info").description("show what the slots do, without their secrets"))
    .option(...json)
    .action(async (options) => (await load()).otpInfo(options, processSurroundings(), print));

  withKeyOptions(
    otp.command("set").description("configure a slot; takes effect on the keyboard when it is plugged in anew"),
  )
    .argument("<slot>", "1, which a short touch types, or 2, which a long one types", parseSlot)
    .argument("<kind>", OTP_SLOT_KINDS.join(", "), parseKind)
    .option(
      "--secret-file <file>",
      "a file with the secret, - for standard input; yubico: private id and key, in hexadecimal; hotp: the key in base32; chalresp: the key in hexadecimal; static: the password",
    )
    .option("--generate", "draw the secret by chance, and print it this once", false)
    .option("--length <number>", "static, with --generate: how many characters", parseLength)
    .option("--public-id <modhex>", "yubico: what is typed in clear; made of the serial number unless given")
    .addOption(new Option("--digits <number>", "hotp: 6 unless given").choices(["6", "8"]))
    .option("--counter <number>", "hotp: where it begins, a multiple of 16", parseCounter)
    .option("--button", "chalresp: answer only after a touch", false)
    .option("--no-enter", "do not press Enter after what is typed")
    .option("--replace", "replace what the slot has", false)
    .option(...json)
    .action(async (slot, kind, options) => (await load()).otpSet(slot, kind, options, processSurroundings(), print));

  withKeyOptions(otp.command("delete").description("delete the configuration of a slot"))
    .argument("<slot>", "1 or 2", parseSlot)
    .option("--yes", "do not ask", false)
    .option(...json)
    .action(async (slot, options) => (await load()).otpDelete(slot, options, processSurroundings(), print));

  withKeyOptions(otp.command("swap").description("swap the two slots"))
    .option(...json)
    .action(async (options) => (await load()).otpSwap(options, processSurroundings(), print));
}

function parseSlot(text: string): 1 | 2 {
  if (text === "1") return 1;
  if (text === "2") return 2;
  throw new InvalidArgumentError("A slot is 1 or 2.");
}

function parseKind(text: string): OtpSlotKind {
  const kind = OTP_SLOT_KINDS.find((known) => known === text);
  if (kind === undefined) throw new InvalidArgumentError(`It is one of ${OTP_SLOT_KINDS.join(", ")}.`);
  return kind;
}

function parseLength(text: string): number {
  const length = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (length < 1 || length > 38) throw new InvalidArgumentError("A password has 1 to 38 characters.");
  return length;
}

function parseCounter(text: string): number {
  const counter = /^\d{1,7}$/.test(text) ? Number(text) : -1;
  if (counter < 0 || counter > 0xf_fff0 || counter % 16 !== 0) {
    throw new InvalidArgumentError("A counter begins at a multiple of 16, up to 1048560.");
  }
  return counter;
}
