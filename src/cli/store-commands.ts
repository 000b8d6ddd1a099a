// The commander face of the commands that concern the store, and the options by which every command names and unlocks
// one. What they do stands in store.ts, which is loaded when one of them runs.
import { type Command, Option } from "commander";
import type { Surroundings } from "./open-store.ts";
import type { Print } from "./output.ts";
import { defaultStorePath } from "./store-location.ts";

/** Adds --store, --passphrase-file and --key-file. */
export function withStoreOptions(command: Command): Command {
  return command
    .option("--store <file>", "the store that keeps the key's state", defaultStorePath())
    .option("--passphrase-file <file>", "a file whose only line is the passphrase")
    .option("--key-file <file>", "a key file that unlocks the store");
}

/** The process's own terminal, environment and standard error. `stopping` aborts when nobody shall be asked any more. */
export function processSurroundings(stopping?: AbortSignal): Surroundings {
  const { stdin: input, stderr: output, env } = process;
  const isTerminal = input.isTTY === true && output.isTTY === true;
  const terminal = isTerminal ? { input, output, ...(stopping && { signal: stopping }) } : undefined;
  return { terminal, env, warn: (sentence) => output.write(`latchkey: ${sentence}\n`) };
}

export function addStoreCommands(program: Command, print: Print): void {
  const load = () => import("./store.ts");

  withStoreOptions(program.command("init").description("make a new store")).action(async (options) =>
    (await load()).init(options, processSurroundings(), print),
  );

  withStoreOptions(program.command("passwd").description("change what unlocks a store"))
    .option("--new-passphrase-file <file>", "a file whose only line is the new passphrase")
    .option("--new-key-file <file>", "unlock by this key file from now on; it is made if it does not exist")
    .addOption(new Option("--remove <kind>", "take one away instead").choices(["passphrase", "key-file"]))
    .action(async (options) => (await load()).passwd(options, processSurroundings(), print));

  program
    .command("backup")
    .description("copy a store, while it is served too")
    .argument("<file>", "the copy, which must not exist")
    .option("--store <file>", "the store to copy", defaultStorePath())
    .action(async (file, options) => (await load()).backup(file, options, print));

  withStoreOptions(program.command("restore").description("put a backup in the place of a store"))
    .argument("<file>", "the backup")
    .option("--force", "replace a store that exists", false)
    .action(async (file, options) => (await load()).restore(file, options, processSurroundings(), print));

  const store = program.command("store").description("look into a store that may be damaged");

  withStoreOptions(store.command("info").description("say how a store is locked and what it holds, without secrets"))
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).storeInfo(options, processSurroundings(), print));

  withStoreOptions(store.command("check").description("read all of a store and say what is whole"))
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).storeCheck(options, processSurroundings(), print));

  withStoreOptions(store.command("recover").description("save what is whole of a damaged store"))
    .argument("<file>", "the new store, which must not exist")
    .action(async (file, options) => (await load()).storeRecover(file, options, processSurroundings(), print));
}
