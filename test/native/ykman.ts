/** ykman with the card in vsmartcard's reader: many commands in one process, since starting Python takes longer than all that ykman does. */
import { join } from "node:path";
import { repository } from "../vm/image.ts";
import { runYkmanOn } from "../vm/ykman.ts";
import { type NativeSession, READER } from "./pcscd.ts";

/** `group`: the first word of each command ("piv"), or none. One with "! " in front has to fail. @returns what each has said */
export function runYkman(session: NativeSession, group: string, ...commands: readonly string[]): Promise<string[]> {
  const program = join(repository, "test/vm/guest/ykman_commands.py");
  const words = commands.map((command) => {
    const [, mark = "", rest = ""] = /^(! )?(.*)$/.exec(command) ?? [];
    return `${mark}--reader '${READER}' ${group} ${rest}`;
  });
  return runYkmanOn(session, `/usr/bin/python3 '${program}'`, words);
}
