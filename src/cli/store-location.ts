// Where the store lies when --store does not say: the platform's place for a user's data.
import { homedir } from "node:os";
import { join } from "node:path";

/** `env` and `platform` are the process's, or a test's. XDG Base Directory Specification on everything but macOS and Windows. */
export function defaultStorePath(env = process.env, platform = process.platform, home = homedir()): string {
  return join(dataDirectory(env, platform, home), "store");
}

function dataDirectory(env: NodeJS.ProcessEnv, platform: NodeJS.Platform, home: string): string {
  if (platform === "darwin") return join(home, "Library", "Application Support", "Latchkey");
  if (platform === "win32") return join(env.LOCALAPPDATA ?? join(home, "AppData", "Local"), "Latchkey");
  // "If it is not an absolute path, the application should ignore it": the specification's own rule.
  const xdg = env.XDG_DATA_HOME;
  return join(xdg?.startsWith("/") ? xdg : join(home, ".local", "share"), "latchkey");
}
