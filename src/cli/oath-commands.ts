// The commander face of `latchkey oath …`.
import type { Command } from "commander";
import type { Print } from "./output.ts";
import { processSurroundings } from "./store-commands.ts";
import { withKeyOptions } from "./with-key-options.ts";

export function addOathCommands(program: Command, print: Print): void {
  const load = () => import("./oath.ts");
  const oath = program.command("oath").description("look after the OATH accounts");

  withKeyOptions(oath.command("list").description("list the accounts"))
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).oathList(options, processSurroundings(), print));

  withKeyOptions(oath.command("add").description("add an account by its otpauth:// URI"))
    .argument(
      "[uri]",
      "the URI; it is asked for, or read from standard input, unless given: everybody can read a command line",
    )
    .option("--uri-file <file>", "a file that holds the URI")
    .option("--touch", "each code is to want a touch", false)
    .option("--replace", "replace an account of that name", false)
    .option("--json", "as JSON", false)
    .action(async (uri, options) => (await load()).oathAdd(uri, options, processSurroundings(), process.stdin, print));

  withKeyOptions(oath.command("code").description("compute a code"))
    .argument("<name>", "the name of the account, or a part that no other has")
    .option("--json", "as JSON", false)
    .action(async (name, options) => (await load()).oathCode(name, options, processSurroundings(), print));

  withKeyOptions(oath.command("delete").description("delete an account"))
    .argument("<name>", "its whole name")
    .option("--json", "as JSON", false)
    .action(async (name, options) => (await load()).oathDelete(name, options, processSurroundings(), print));

  withKeyOptions(oath.command("reset").description("erase every account and the access code"))
    .option("--yes", "do not ask", false)
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).oathReset(options, processSurroundings(), print));
}
