// The program at a terminal, which `script` of util-linux makes: what becomes of it when it is told to stop while it asks,
// and when the terminal goes.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { storeDirectory } from "../support/store-directory.ts";
import { describeMissing } from "../vm/requirements.ts";
import { script } from "./program.ts";

const directory = storeDirectory();
const terminals = new Set<ChildProcess>();
let places = 0;
afterEach(() => {
  for (const terminal of terminals) terminal.kill("SIGKILL");
  terminals.clear();
});

/**
 * Runs `latchkey serve` at a new terminal, below a shell that lives through its hang-up and notes the key's pid and how it
 * ended. The shell that the terminal belongs to does not, and the kernel hangs up on what it leaves behind.
 */
function serveAtTerminal() {
  const place = join(directory, `place-${++places}`);
  mkdirSync(place, { mode: 0o700 });
  const note = join(place, "note.sh");
  const lines = [
    "trap '' HUP; exec 3<&0", // what runs in the background has no input but what it is given
    "unset LATCHKEY_PASSPHRASE",
    `export HOME=${place} XDG_DATA_HOME=${place} XDG_RUNTIME_DIR=${place}`,
    `${process.execPath} ${script} serve --port 0 <&3 &`,
    `echo $! > ${place}/pid`,
    "wait $!",
    `echo $? > ${place}/status`,
  ];
  writeFileSync(note, lines.join("\n"));
  const child = spawn("script", ["-qc", `sh ${note}; true`, "/dev/null"], { stdio: ["pipe", "pipe", "ignore"] });
  terminals.add(child);
  let shown = "";
  child.stdout.on("data", (data: Buffer) => {
    shown += data.toString();
  });
  /** @throws as long as the shell has not written it whole */
  const read = (name: string) => {
    const [, number] = /^(\d+)\n$/.exec(readFileSync(join(place, name), "utf8")) ?? [];
    if (number === undefined) throw new Error(`${name} is not written yet`);
    return Number(number);
  };
  return {
    child,
    place,
    shows: (text: string) => vi.waitFor(() => expect(shown).toContain(text), { timeout: 10_000 }),
    pid: () => read("pid"),
    /** What the shell has for it: 128 and the signal, where one ended it. */
    status: () => vi.waitFor(() => read("status"), { timeout: 10_000 }),
  };
}

const title = "The program at a terminal";
const { stdout: version } = spawnSync("script", ["--version"], { encoding: "utf8", timeout: 10_000 });
if (version?.includes("util-linux")) describe(title, tests);
else describeMissing(title, ["bsdutils"], tests);

function tests(): void {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s ends the program while it asks for a passphrase",
    async (signal) => {
      const { shows, pid, status, place } = serveAtTerminal();
      await shows("A passphrase for the new store");
      process.kill(pid(), signal);
      await shows("latchkey: No passphrase was given.");
      expect(await status()).toBe(1);
      expect(existsSync(join(place, "latchkey"))).toBe(false);
    },
  );

  test("A terminal that goes takes the key along, in an orderly way and without a core dump", async () => {
    const { child, shows, status, place } = serveAtTerminal();
    await shows("A passphrase for the new store");
    child.stdin.write("\r");
    await shows("Ctrl-C");
    child.kill("SIGKILL");
    await once(child, "close");
    expect(await status()).toBe(128 + 1);
    expect(readdirSync(join(place, "latchkey")).sort()).toEqual(["store", "store.key"]); // no lock, no socket
  });

  test("A terminal that goes while it asks ends the program, too", async () => {
    const { child, shows, status } = serveAtTerminal();
    await shows("A passphrase for the new store");
    child.kill("SIGKILL");
    await once(child, "close");
    expect(await status()).toBe(128 + 1);
  });
}
