// The options by which a command names a key that may run or not.
import type { Command } from "commander";

export function withKeyOptions(command: Command): Command {
  return command
    .option("--control <path>", "the control socket of a running key")
    .option("--store <file>", "the store of the key; unless given, the only key that runs, or else the usual store")
    .option("--passphrase-file <file>", "a file whose only line is the passphrase")
    .option("--key-file <file>", "a key file that unlocks the store");
}
