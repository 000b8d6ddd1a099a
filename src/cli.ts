#!/usr/bin/env node
// The command line: arguments, what is printed, exit statuses. What the commands do stands in src/cli/.
import { Command, CommanderError, Option } from "commander";
import { type AttachOptions, attach } from "./cli/attach.ts";
import { type DetachOptions, detach } from "./cli/detach.ts";
import { ExitStatus, isSentence } from "./cli/failure.ts";
import { addKeyCommands, addRunningKeyCommands, withFeatureOptions } from "./cli/key-commands.ts";
import { type ListOptions, list, listLocal } from "./cli/list.ts";
import { addOathCommands } from "./cli/oath-commands.ts";
import { addOpenPgpCommands } from "./cli/openpgp-commands.ts";
import {
  parseBusid,
  parseHubPort,
  parseLogLevel,
  parseRemote,
  parseRemotePort,
  parseTcpPort,
  parseTouchMode,
  parseUsbId,
  parseVpcd,
  refuseEmptyPaths,
} from "./cli/options.ts";
import { addPivCommands } from "./cli/piv-commands.ts";
import { packageVersion } from "./cli/program.ts";
import type { ServeOptions } from "./cli/serve.ts";
import { endWithTerminal, untilStopped } from "./cli/signals.ts";
import { addStoreCommands, processSurroundings, withStoreOptions } from "./cli/store-commands.ts";
import { IDENTITY_NAMES } from "./identity.ts";

// A reader that goes away (`latchkey serve | head`, a terminal that closes) is no reason to drop the key.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
endWithTerminal();

const print = (line: string) => process.stdout.write(`${line}\n`);

const remoteOption = new Option("--remote <HOST[:PORT]>", "the server")
  .argParser(parseRemote)
  .default(parseRemote("127.0.0.1"), "127.0.0.1:3240");

const usbIdOption = new Option(
  "--usb-id <VVVV:PPPP>",
  "USB vendor and product id, in place of the identity's",
).argParser(parseUsbId);

const program = new Command("latchkey")
  .description("A software security key, served over USB/IP.")
  .version(packageVersion())
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "latchkey: ")) })
  .exitOverride()
  .hook("preAction", (_program, command) => refuseEmptyPaths(command))
  .commandsGroup("Running a key:");

const serving = program.command("serve").description("run a security key and offer it over USB/IP");
withFeatureOptions(withStoreOptions(serving))
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .option("--port <number>", "TCP port to listen on; 0 for any that is free", parseTcpPort, 3240)
  .option("--ephemeral", "keep everything in memory and forget it at the end", false)
  .option(
    "--touch <mode>",
    "who gives touches: ask (you, here or with latchkey touch), auto (granted), deny",
    parseTouchMode,
  )
  .addOption(
    new Option(
      "--uv <mode>",
      "verify users without a PIN: ask (you say that it is you), auto (granted, for tests)",
    ).choices(["ask", "auto"]),
  )
  .option("--keyboard", "have the keyboard that types OTP slots even while none is configured", false)
  .option("--control <path>", "where the control socket is; unless given, where the other commands find it")
  .addOption(
    new Option("--identity <name>", "what the key shows of itself: its own, or a YubiKey 5's, for development")
      .choices(IDENTITY_NAMES)
      .default("latchkey"),
  )
  .addOption(usbIdOption)
  .addOption(
    new Option("--vpcd [host:port]", "put the card into vsmartcard's virtual reader, too")
      .argParser(parseVpcd)
      .preset("127.0.0.1:35963"),
  )
  .option("--log-level <level>", "error, warn, info, debug or traffic", parseLogLevel, "info")
  .action(async (options: ServeOptions) => {
    const { stdin: input, stdout: output, stderr: errors, argv } = process;
    const isTerminal = input.isTTY === true && errors.isTTY === true;
    input.on("error", () => {}); // of a terminal that is gone
    const { stopped, signal } = untilStopped();
    // Loaded here, with all of the key behind it, so that the other commands start in half the time.
    const { serve } = await import("./cli/serve.ts");
    const console = { input, output, errors, isTerminal, script: argv[1] ?? "latchkey" };
    const serving = await serve(options, console, processSurroundings(signal));
    await stopped;
    await serving.close();
  });

program
  .command("list")
  .description("list what a USB/IP server offers")
  .addOption(remoteOption)
  .addOption(new Option("--local", "the keys that you serve on this machine, instead").conflicts("remote"))
  .option("--json", "as JSON", false)
  .action((options: ListOptions & { readonly local?: boolean }) =>
    options.local === true ? listLocal(options, process.env, print) : list(options, print),
  );

program
  .command("attach")
  .description("plug a served device into this machine's kernel (Linux, root)")
  .addOption(remoteOption)
  .option("--port <number>", "its TCP port, in place of the one in --remote", parseRemotePort)
  .option("--busid <busid>", "which of its devices", parseBusid, "1-1")
  .option("--json", "as JSON", false)
  .action(({ remote, port = remote.port, ...options }: AttachOptions & { readonly port?: number }) =>
    attach({ ...options, remote: { ...remote, port } }, print),
  );

program
  .command("detach")
  .description("unplug attached devices from this machine's kernel (Linux, root)")
  .option("--port <number>", "the one on this port of the virtual hub", parseHubPort)
  .option("--all", "all of them", false)
  .option("--json", "as JSON", false)
  .action((options: DetachOptions) => detach(options, print));

addRunningKeyCommands(program, print);
program.commandsGroup("What is on a key, whether it runs or not:");
addKeyCommands(program, print);
addOathCommands(program, print);
addOpenPgpCommands(program, print);
addPivCommands(program, print);
program.commandsGroup("The store of a key:");
addStoreCommands(program, print);
program.commandsGroup("Help:");

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? ExitStatus.DONE : ExitStatus.USAGE;
  } else {
    process.stderr.write(
      `latchkey: ${isSentence(error) ? error.message : error instanceof Error ? error.stack : error}\n`,
    );
    process.exitCode = ExitStatus.FAILED;
  }
}
