/** Debian's ykman: many commands in one process (guest/ykman_commands.py), each with what it says. */
import { type Guest, guestRepository } from "./guest.ts";

/** A Guest is one, and a NativeSession. */
interface Machine {
  ok(script: string, options: { readonly timeoutMs: number; readonly input: string }): Promise<string>;
}

/**
 * Runs ykman's commands, in /tmp, up to the first that fails; one with "! " in front has to fail.
 *
 * @returns what each has said
 * @throws with everything that was said when one ends as it should not
 */
export function runYkman(guest: Guest, ...commands: readonly string[]): Promise<string[]> {
  return runYkmanOn(guest, `cd /tmp && /usr/bin/python3 ${guestRepository}/test/vm/guest/ykman_commands.py`, commands);
}

/** The same on any machine. `script` starts ykman_commands.py. */
export async function runYkmanOn(machine: Machine, script: string, commands: readonly string[]): Promise<string[]> {
  const said = await machine.ok(`${script} 2>&1`, { timeoutMs: 100_000, input: commands.join("\n") });
  return said.split(/^\$ ykman .*\n/m).slice(1);
}
