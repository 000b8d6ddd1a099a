// The commander face of `latchkey piv …`.
import type { Command } from "commander";
import type { Print } from "./output.ts";
import { processSurroundings } from "./store-commands.ts";
import { withKeyOptions } from "./with-key-options.ts";

export function addPivCommands(program: Command, print: Print): void {
  const load = () => import("./piv.ts");
  const piv = program.command("piv").description("look after the PIV application");

  withKeyOptions(piv.command("info").description("show its PINs' tries, its keys and certificates"))
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).pivInfo(options, processSurroundings(), print));

  withKeyOptions(
    piv.command("reset").description("erase its keys, certificates and objects, and bring the default PINs back"),
  )
    .option("--yes", "do not ask", false)
    .option("--json", "as JSON", false)
    .action(async (options) => (await load()).pivReset(options, processSurroundings(), print));
}
