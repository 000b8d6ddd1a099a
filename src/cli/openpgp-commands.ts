// The commander face of `latchkey openpgp …`.
import { type Command, InvalidArgumentError } from "commander";
import { OPENPGP_KEYS, OPENPGP_TOUCH_POLICIES } from "../control/openpgp-messages.ts";
import type { Print } from "./output.ts";
import { processSurroundings } from "./store-commands.ts";
import { withKeyOptions } from "./with-key-options.ts";

export function addOpenPgpCommands(program: Command, print: Print): void {
  const load = () => import("./openpgp.ts");
  const openpgp = program.command("openpgp").description("look after the OpenPGP card");

  withKeyOptions(openpgp.command("info").description("show what the card holds and how it is set"))
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).openPgpInfo(options, processSurroundings(), print));

  withKeyOptions(openpgp.command("set-touch").description("say whether a key of the card wants a touch for each use"))
    .argument("<key>", OPENPGP_KEYS.join(", "), oneOf("A key", OPENPGP_KEYS))
    .argument("<policy>", OPENPGP_TOUCH_POLICIES.join(", "), oneOf("A policy", OPENPGP_TOUCH_POLICIES))
    .option("--yes", "do not ask before a policy is fixed", false)
    .option("--json", "as JSON", false)
    .action(async (key, policy, options) =>
      (await load()).openPgpSetTouch(key, policy, options, processSurroundings(), print),
    );

  withKeyOptions(openpgp.command("reset").description("erase every key, data object and PIN of the card"))
    .option("--yes", "do not ask", false)
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).openPgpReset(options, processSurroundings(), print));
}

function oneOf<T extends string>(what: string, known: readonly T[]): (text: string) => T {
  return (text) => {
    const found = known.find((candidate) => candidate === text);
    if (found === undefined) throw new InvalidArgumentError(`${what} is one of ${known.join(", ")}.`);
    return found;
  };
}
