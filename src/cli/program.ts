// Where this program is, as a shell and as npm see it.
import { createRequire } from "node:module";
import { relative } from "node:path";

/** The version in package.json. */
export function packageVersion(): string {
  const { version } = createRequire(import.meta.url)("latchkey/package.json") as { version: string };
  return version;
}

/**
 * How to start this program again from the same folder, under sudo too: sudo looks for programs in the system's
 * folders only, so that a Node from elsewhere needs its whole path.
 */
export function programCommand(script: string, execPath = process.execPath, cwd = process.cwd()): string {
  const node = /^\/usr(\/local)?\/bin\/node(js)?$/.test(execPath) ? "node" : execPath;
  const near = relative(cwd, script);
  return [node, near.startsWith("..") ? script : near].map(quote).join(" ");
}

function quote(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
