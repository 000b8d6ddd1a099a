/** Debian's ykman in the guest: many commands in one process (guest/ykman_commands.py), each with what it says. */
import { type Guest, guestRepository } from "./guest.ts";

/**
 * Runs ykman's commands, in /tmp, up to the first that fails; one with "! " in front has to fail.
 *
 * @returns what each has said
 * @throws with everything that was said when one ends as it should not
 */
export async function runYkman(guest: Guest, ...commands: readonly string[]): Promise<string[]> {
  const script = `cd /tmp && /usr/bin/python3 ${guestRepository}/test/vm/guest/ykman_commands.py`;
  const said = await guest.ok(script, { timeoutMs: 100_000, input: commands.join("\n") });
  return said.split(/^\$ ykman .*\n/m).slice(1);
}
