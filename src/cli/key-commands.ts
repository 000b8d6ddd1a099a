// The commander face of the commands that concern a key. What they do stands in the files that are
// loaded when one of them runs.
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseSeconds, parseTouchId } from "./options.ts";
import { addOtpCommands } from "./otp-commands.ts";
import type { Print } from "./output.ts";
import { untilStopped } from "./signals.ts";
import { processSurroundings } from "./store-commands.ts";
import { withKeyOptions } from "./with-key-options.ts";

/** Adds the options of FIDO2's features to a command. */
export function withFeatureOptions(command: Command): Command {
  return command
    .option(
      "--all-algorithms",
      "list the fully specified algorithms too; released Firefox versions fail on them",
      false,
    )
    .option("--pqc", "take and list ML-DSA; released Firefox versions fail on it", false)
    .addOption(
      new Option("--large-blob <how>", "how large blobs are kept: by authenticatorLargeBlobs or CTAP 2.3's extension")
        .choices(["command", "extension"])
        .default("command"),
    );
}

function withControl(command: Command): Command {
  return command
    .option("--control <path>", "the control socket of the key; unless given, the only key that runs")
    .option("--json", "as JSON", false);
}

export function addKeyCommands(program: Command, print: Print): void {
  addFidoCommands(program, print);
  addAttestationCommands(program, print);
  addOtpCommands(program, print);
  addIdentityCommand(program, print);
}

/** `program`'s commands that need a key that runs. */
export function addRunningKeyCommands(program: Command, print: Print): void {
  const { env } = process;

  program
    .command("status")
    .description("show the keys that run, who has them, and the touches that they wait for")
    .option("--control <path>", "the control socket of one key; unless given, all keys of this user")
    .option("--json", "as JSON", false)
    .action(async (options) => (await import("./status.ts")).status(options, env, print));

  withControl(
    program.command("touch").description("give the touch that a running key waits for, or else type an OTP slot"),
  )
    .option("--deny", "refuse it instead", false)
    .option("--id <number>", "which one, as status and watch number them; the oldest unless given", parseTouchId)
    .option("--wait <seconds>", "wait for one to be asked for", parseSeconds)
    .option("--long", "a long touch, where one is asked for; it types OTP slot 2, a short one slot 1", false)
    .option("--verify", "it is you, where that is asked", false)
    .action(async (options) => (await import("./touch.ts")).touch(options, env, print));

  withControl(program.command("watch").description("show what is asked of a running key, and how it ends")).action(
    async (options) => {
      const { signal } = untilStopped();
      await (await import("./watch.ts")).watch(options, env, print, signal);
    },
  );

  withControl(
    program
      .command("power-cycle")
      .description("unplug a running key, so that it forgets what it forgets without power"),
  ).action(async (options) => (await import("./power-cycle.ts")).powerCycle(options, env, print));

  const card = program.command("card").description("take the smart card out of its reader, which stays plugged in");
  withControl(card.command("eject").description("take the card out")).action(async (options) =>
    (await import("./card.ts")).moveCard("out", options, env, print),
  );
  withControl(card.command("insert").description("put the card back")).action(async (options) =>
    (await import("./card.ts")).moveCard("in", options, env, print),
  );
}

function addFidoCommands(program: Command, print: Print): void {
  const load = () => import("./fido.ts");
  const fido = program.command("fido").description("look after the FIDO part");
  const pinFile = ["--pin-file <file>", "a file whose only line is the PIN"] as const;
  const newPinFile = ["--new-pin-file <file>", "a file whose only line is the new PIN"] as const;

  withKeyOptions(fido.command("info").description("show what the key can do and how it is set"))
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).fidoInfo(options, processSurroundings(), print));

  withKeyOptions(fido.command("credentials").description("list the discoverable credentials"))
    .option(...pinFile)
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).fidoCredentials(options, processSurroundings(), print));

  withKeyOptions(fido.command("delete").description("delete a discoverable credential"))
    .argument("<id>", "its id, or as much of it as tells it from the others")
    .option(...pinFile)
    .option("--json", "as JSON", false)
    .action(async (id, options) => (await load()).fidoDelete(id, options, processSurroundings(), print));

  withKeyOptions(fido.command("set-pin").description("set a PIN where there is none"))
    .option(...newPinFile)
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).fidoSetPin(options, processSurroundings(), print));

  withKeyOptions(fido.command("change-pin").description("change the PIN"))
    .option(...pinFile)
    .option(...newPinFile)
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).fidoChangePin(options, processSurroundings(), print));

  withKeyOptions(fido.command("reset").description("erase every FIDO credential, the PIN and the settings"))
    .option("--yes", "do not ask", false)
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).fidoReset(options, processSurroundings(), print));
}

function addAttestationCommands(program: Command, print: Print): void {
  const load = () => import("./attestation.ts");
  const attestation = program
    .command("attestation")
    .description("attestation certificates, for tests of a relying party's attestation code");
  const caFile = [
    "--ca-file <file>",
    "write the authority's certificate there, in PEM, instead of printing it",
  ] as const;

  withKeyOptions(attestation.command("create").description("make a test authority, and a batch certificate under it"))
    .option("--enterprise", "an enterprise certificate, which names this one key, instead", false)
    .option("--rp-id <id...>", "enterprise: relying parties that get it by their own word")
    .option("--organization <name>", "who the certificates say made the key")
    .option("--country <code>", "and where, in two letters", parseCountry)
    .option("--replace", "replace the certificate of that kind", false)
    .option(...caFile)
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).attestationCreate(options, processSurroundings(), print));

  withKeyOptions(attestation.command("show").description("show which certificates the key has"))
    .option(...caFile)
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).attestationShow(options, processSurroundings(), print));

  withKeyOptions(attestation.command("remove").description("delete the authority and the certificates"))
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).attestationRemove(options, processSurroundings(), print));

  withFeatureOptions(
    withKeyOptions(program.command("metadata").description("print the FIDO Metadata Statement (MDS 3) of the key")),
  )
    .option("--json", "as JSON, which it always is", false)
    .action(async (options) => (await load()).metadata(options, processSurroundings(), print));
}

function addIdentityCommand(program: Command, print: Print): void {
  withKeyOptions(
    program.command("identity").description("show what a key shows of itself, and turn its applications on and off"),
  )
    .option("--enable <application...>", "turn applications on, from when the key is next plugged in")
    .option("--disable <application...>", "turn applications off")
    .option("--reset", "turn everything on, and forget the lock code and the rest of the configuration", false)
    .option("--json", "as JSON", false)
    .action(async (options) => (await import("./identity.ts")).identity(options, processSurroundings(), print));
}

function parseCountry(text: string): string {
  if (/^[A-Za-z]{2}$/.test(text)) return text.toUpperCase();
  throw new InvalidArgumentError("A country is two letters, as ISO 3166 has them.");
}
