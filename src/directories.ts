// Directories on the way to a file.
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory, mode 0700, and those that it lies in. Not by mkdir's own `recursive`, which never comes back (Node 20)
 * where nothing can be made and the system says ENOENT, as in /proc.
 */
export function makeDirectories(directory: string): void {
  const isThere = () => statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isThere()) return;
  if (dirname(directory) !== directory) makeDirectories(dirname(directory));
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (!isThere()) throw error; // unless somebody else made it meanwhile
  }
}
