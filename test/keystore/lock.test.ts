import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { StoreLock } from "../../keystore/lock.ts";
import { storeDirectory } from "../support/store-directory.ts";

const directory = storeDirectory();
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A process that holds the lock until it is killed: a socket like the lock's, made without our code. */
async function holder(path: string): Promise<ChildProcess> {
  const script = `
    const { createServer } = require("node:net");
    createServer((socket) => socket.end(process.pid + "\\n")).listen(${JSON.stringify(`${path}.lock`)}, () => console.log("held"));`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return child;
}

describe("the lock of a store", () => {
  it("is taken once, also within one process, and again after its release", async () => {
    const path = join(directory, "once");
    const lock = await StoreLock.acquire(path);
    await expect(StoreLock.acquire(path)).rejects.toMatchObject({
      code: "in-use",
      message: expect.stringContaining(`pid ${process.pid}`),
    });
    await lock.release();
    await (await StoreLock.acquire(path)).release();
    expect(readdirSync(directory).filter((name) => name.startsWith("once"))).toEqual([]);
  });

  it("names the pid of the process that has it", async () => {
    const path = join(directory, "other");
    const child = await holder(path);
    await expect(StoreLock.acquire(path)).rejects.toMatchObject({
      code: "in-use",
      message: expect.stringContaining(`pid ${child.pid}`),
    });
  });

  it("is free again when its holder was killed, though the socket's name is still there", async () => {
    const path = join(directory, "killed");
    const child = await holder(path);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(readdirSync(directory)).toContain("killed.lock");
    await (await StoreLock.acquire(path)).release();
  });

  it("goes to one of many that want it at the same time, over a dead one too", async () => {
    const path = join(directory, "crowd");
    const child = await holder(path);
    child.kill("SIGKILL");
    await once(child, "exit");
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => StoreLock.acquire(path)));
    const won = outcomes.filter((outcome) => outcome.status === "fulfilled");
    expect(won).toHaveLength(1);
    await won[0]?.value.release();
  });

  it("works for a path longer than a socket address", async () => {
    const path = join(directory, "x".repeat(120));
    const lock = await StoreLock.acquire(path);
    await expect(StoreLock.acquire(path)).rejects.toMatchObject({ code: "in-use" });
    await lock.release();
  });
});
