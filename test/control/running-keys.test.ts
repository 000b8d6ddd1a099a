import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { findRunningKeys } from "../../src/control/running-keys.ts";
import { controlDirectory, newControlPath } from "../../src/control/socket-location.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { startKey } from "./running-key.ts";

const directory = storeDirectory();
const env = (name: string) => {
  const runtime = join(directory, name);
  mkdirSync(runtime, { mode: 0o700 });
  return { XDG_RUNTIME_DIR: runtime };
};

/** A socket as kill -9 leaves it. */
function leaveDeadSocket(path: string): void {
  const listen = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", listen]);
  expect(existsSync(path)).toBe(true);
}

test("Sockets are in a directory that only this user can open, in the runtime directory or the temporary one", () => {
  const own = env("own");
  const path = newControlPath(own, 3240);
  expect(path).toMatch(/\/latchkey\/3240-[0-9a-f]{8}\.sock$/);
  expect(dirname(path)).toBe(controlDirectory(own));
  expect(controlDirectory({ XDG_RUNTIME_DIR: "not/absolute" })).toBe(controlDirectory({}));
  expect(controlDirectory({})).toMatch(/latchkey-\d+$/);
});

test("On Windows they are named pipes, which need no directory", () => {
  const path = newControlPath({ XDG_RUNTIME_DIR: "/nowhere" }, 3240, "win32");
  expect(path).toMatch(/^\\\\\.\\pipe\\latchkey-control-\S+-3240-[0-9a-f]{8}$/);
});

test("A directory that others can write to, or that is a link, is not trusted with PINs", async () => {
  const open = env("open");
  mkdirSync(controlDirectory(open));
  chmodSync(controlDirectory(open), 0o755);
  expect(() => newControlPath(open, 1)).toThrow("is not a directory of this user alone");
  await expect(findRunningKeys(open)).rejects.toThrow("is not a directory of this user alone");
  const linked = env("linked");
  symlinkSync(directory, controlDirectory(linked));
  expect(() => newControlPath(linked, 1)).toThrow("is not a directory of this user alone");
});

test("Where no directory can be made, that is said", () => {
  for (const place of ["/proc/self", "/proc/no/runtime", join(import.meta.filename, "runtime")]) {
    expect(() => newControlPath({ XDG_RUNTIME_DIR: place }, 1)).toThrow(
      `${place}/latchkey cannot be made: name a place`,
    );
  }
  const deep = join(directory, "deep", "down");
  expect(dirname(newControlPath({ XDG_RUNTIME_DIR: deep }, 1))).toBe(join(deep, "latchkey"));
});

test("A place that cannot be looked into is said to be that", async () => {
  const loop = join(directory, "loop");
  symlinkSync(loop, loop);
  await expect(findRunningKeys({ XDG_RUNTIME_DIR: loop })).rejects.toThrow(
    `${loop}/latchkey cannot be looked into for running keys: correct XDG_RUNTIME_DIR,`,
  );
});

test("Keys that run are found; the sockets of killed ones are swept out, and taken over by name", async () => {
  const own = env("several");
  expect(await findRunningKeys(own)).toEqual([]);
  const place = dirname(newControlPath(own, 1));
  const keys = [await startKey(place), await startKey(place)];
  const dead = join(place, "1-dead.sock");
  leaveDeadSocket(dead);
  try {
    const found = await findRunningKeys(own);
    expect(found.map(({ status }) => status?.serial).sort()).toEqual(keys.map(({ key }) => key.serialNumber).sort());
    expect(readdirSync(place)).toHaveLength(2);

    leaveDeadSocket(dead);
    const third = await startKey(place);
    await third.server.close();
    await third.server.listen(dead);
    expect(await findRunningKeys(own)).toHaveLength(3);
    await third.server.close();
  } finally {
    for (const { server } of keys) await server.close();
  }
  expect(await findRunningKeys(own)).toEqual([]);
});
