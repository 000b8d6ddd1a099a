import { expect, test } from "vitest";
import { defaultStorePath } from "../../src/cli/store-location.ts";

// A path of Windows has a slash before its last parts here, where join() is that of this platform.
test.each<[NodeJS.Platform, NodeJS.ProcessEnv, string]>([
  ["linux", {}, "/home/ann/.local/share/latchkey/store"],
  ["linux", { XDG_DATA_HOME: "/data" }, "/data/latchkey/store"],
  ["linux", { XDG_DATA_HOME: "not/absolute" }, "/home/ann/.local/share/latchkey/store"],
  ["freebsd", { XDG_DATA_HOME: "" }, "/home/ann/.local/share/latchkey/store"],
  ["darwin", { XDG_DATA_HOME: "/data" }, "/home/ann/Library/Application Support/Latchkey/store"],
  ["win32", { LOCALAPPDATA: "C:\\Users\\ann\\AppData\\Local" }, "C:\\Users\\ann\\AppData\\Local/Latchkey/store"],
  ["win32", {}, "/home/ann/AppData/Local/Latchkey/store"],
])("On %s with %j the store is at %s", (platform, env, path) => {
  expect(defaultStorePath(env, platform, "/home/ann")).toBe(path);
});
