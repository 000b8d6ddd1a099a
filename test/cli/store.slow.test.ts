// The commands that concern the store, as the program that is built: what they print and how they end.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { programRig, script } from "./program.ts";

const directory = storeDirectory();

let stores = 0;
const newPath = () => join(directory, `store-${++stores}`);

const { run, serving: servingWith } = programRig(() => ({ HOME: directory }));
const serving = (path: string) => servingWith("--store", path);

function secretFile(text: string): string {
  const path = newPath();
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe("latchkey serve with a store", () => {
  it("makes a store with a key file beside it at its first start, and says so plainly", async () => {
    const path = join(directory, "first", "store");
    const { child, stdout } = await serving(path);
    expect(stdout).toContain(
      `Made a new store, ${path}, unlocked by a new key file beside it, ${path}.key: who reads both`,
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}.key`).mode & 0o777).toBe(0o600);
    child.kill("SIGTERM");
    await once(child, "close");
    expect((await serving(path)).stdout).not.toContain("Made");
  });

  it("makes them at its next start when there was no room at the first", async () => {
    const path = newPath();
    const limited = `ulimit -f 0; exec "$0" "$@" serve --port 0 --store ${path}`; // what is written to a file fails
    const child = spawn("sh", ["-c", limited, process.execPath, script], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: process.env.PATH, HOME: directory },
    });
    let complaint = "";
    child.stderr.on("data", (data: Buffer) => {
      complaint += data.toString();
    });
    expect(await once(child, "close")).toEqual([1, null]);
    expect(complaint).toMatch(/^latchkey: The key file \S+ cannot be made: [^\n]+\.\n$/);
    expect(readdirSync(directory).filter((name) => name.startsWith(`${basename(path)}.`))).toEqual([]);
    expect((await serving(path)).stdout).toContain("Made a new store");
  });

  it("refuses a store that is in use, with the pid, and takes it over after kill -9", async () => {
    const path = newPath();
    const first = await serving(path);
    const second = await run(["serve", "--port", "0", "--store", path]);
    expect(second).toMatchObject({ status: 1, stdout: "" });
    expect(second.stderr).toMatch(
      new RegExp(`^latchkey: [^\\n]* in use by the process with pid ${first.child.pid};[^\\n]*\\.\\n$`),
    );
    first.child.kill("SIGKILL");
    await once(first.child, "close");
    await serving(path);
  });
});

describe("the secret of a store", () => {
  it("may be a passphrase in the environment, in a file or a systemd credential", async () => {
    const path = newPath();
    const credentials = join(directory, "credentials");
    mkdirSync(credentials);
    writeFileSync(join(credentials, "latchkey-passphrase"), "hunter2", { mode: 0o400 });
    expect(await run(["init", "--store", path], { LATCHKEY_PASSPHRASE: "hunter2" })).toMatchObject({
      status: 0,
      stderr: "",
    });
    expect(existsSync(`${path}.key`)).toBe(false);
    const info = ["store", "info", "--store", path];
    for (const found of [
      await run(info, { LATCHKEY_PASSPHRASE: "hunter2" }),
      await run([...info, "--passphrase-file", secretFile("hunter2\n")]),
      await run(info, { CREDENTIALS_DIRECTORY: credentials }),
    ]) {
      expect(found).toMatchObject({
        status: 0,
        stdout: expect.stringContaining("passphrase (scrypt N=131072 r=8 p=1)"),
      });
    }
  });

  it("changes with passwd, and may be two", async () => {
    const path = newPath();
    const keyFile = newPath();
    await run(["init", "--store", path], { LATCHKEY_PASSPHRASE: "old" });
    await run(["passwd", "--store", path, "--new-key-file", keyFile], { LATCHKEY_PASSPHRASE: "old" });
    const changed = await run([
      "passwd",
      "--store",
      path,
      "--key-file",
      keyFile,
      "--new-passphrase-file",
      secretFile("new"),
    ]);
    expect(changed).toMatchObject({ status: 0, stdout: `${path} is unlocked by the new passphrase from now on.\n` });
    expect((await run(["store", "check", "--store", path], { LATCHKEY_PASSPHRASE: "old" })).status).toBe(1);
    expect((await run(["store", "check", "--store", path], { LATCHKEY_PASSPHRASE: "new" })).status).toBe(0);
    expect((await run(["passwd", "--store", path, "--remove", "passphrase", "--key-file", keyFile])).status).toBe(0);
    const last = await run(["passwd", "--store", path, "--remove", "key-file", "--key-file", keyFile]);
    expect(last).toMatchObject({ status: 1, stderr: expect.stringContaining("Nothing else unlocks") });
  });
});

describe("what goes wrong with a store", () => {
  it("is one sentence on standard error, with status 1 and without the secret", async () => {
    const good = newPath();
    await run(["init", "--store", good], { LATCHKEY_PASSPHRASE: "planted-secret" });
    const newer = newPath();
    const bytes = readFileSync(good);
    bytes[9] = 9;
    writeFileSync(newer, bytes, { mode: 0o600 });
    const readable = newPath();
    writeFileSync(readable, readFileSync(good));
    chmodSync(readable, 0o644);
    const wrong = { LATCHKEY_PASSPHRASE: "planted-wrong" };
    const cases: readonly (readonly [args: readonly string[], env: NodeJS.ProcessEnv, sentence: RegExp])[] = [
      [["--store", good], wrong, /this passphrase does not unlock/],
      [["--store", good], {}, /is locked, and there is no terminal/],
      [["--store", newer], wrong, /format version 9, newer than 1/],
      [["--store", secretFile("")], wrong, /is empty/],
      [["--store", secretFile("Dear diary")], wrong, /is not a Latchkey store/],
      [["--store", directory], wrong, /is a directory/],
      [["--store", readable], wrong, /can be read or written by other users; run "chmod 600/],
      [["--store", good, "--passphrase-file", newPath()], {}, /There is no file/],
      [["--store", good, "--key-file", secretFile("nonsense")], {}, /is not a key file/],
      [["--store", join(good, "store")], wrong, /a part of \S+ is a file and not a directory/],
      [["--store", join(good, "store")], {}, /key file \S+ cannot be made: a part of its path is a file/],
      [["--store", "/proc/no/store"], wrong, /may not be read and written by this user|read-only/],
      [["--store", "/proc/no/store"], {}, /key file \S+ cannot be made: there can be no directory for it|read-only/],
    ];
    await Promise.all(
      cases.map(async ([args, extra, sentence]) => {
        const { status, stdout, stderr } = await run(["serve", "--port", "0", ...args], extra);
        expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
        expect(stderr).toMatch(/^latchkey: [^\n]+\.\n$/);
        expect(stderr).toMatch(sentence);
        expect(stderr).not.toContain("planted");
      }),
    );
  });
});

describe("a backup", () => {
  it("is made while the store is served, and restored only when asked for with force over a store", async () => {
    const path = newPath();
    const { child } = await serving(path);
    const copy = newPath();
    expect(await run(["backup", copy, "--store", path])).toMatchObject({ status: 0 });
    expect((await run(["backup", copy, "--store", path])).stderr).toContain("exists already");
    const keyFile = ["--key-file", `${path}.key`];
    const busy = await run(["restore", copy, "--force", "--store", path, ...keyFile]);
    expect(busy.stderr).toContain(`in use by the process with pid ${child.pid}`);
    child.kill("SIGTERM");
    await once(child, "close");
    expect((await run(["restore", copy, "--store", path, ...keyFile])).stderr).toContain("give --force");
    expect(await run(["restore", copy, "--force", "--store", path, ...keyFile])).toMatchObject({
      status: 0,
      stderr: "",
    });
    const info = await run(["store", "info", "--json", "--store", path, ...keyFile]);
    expect(JSON.parse(info.stdout)).toMatchObject({ version: 1, records: { device: 1 }, damage: [] });
  });

  it("that is none is refused, and the store stays", async () => {
    const path = newPath();
    await run(["init", "--store", path]);
    const before = readFileSync(path);
    const refused = await run(["restore", secretFile("no backup"), "--force", "--store", path]);
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining("is not a Latchkey store") });
    expect(readFileSync(path)).toEqual(before);
  });
});

describe("a damaged store", () => {
  it("is refused by serve with the offset, shown by check, and saved by recover", async () => {
    const path = newPath();
    const store = await FileKeyStore.create(path, [{ kind: "key-file", key: new Uint8Array(32) }]);
    const ends: number[] = [];
    for (let n = 0; n < 5; n++) {
      await store.commit({ [`fido2/${n}`]: Uint8Array.of(n) });
      ends.push(store.fileSize);
    }
    await store.close();
    writeFileSync(`${path}.key`, `latchkey-key-1 ${Buffer.alloc(32).toString("base64url")}\n`, { mode: 0o600 });
    const bytes = readFileSync(path);
    const offset = ends[1] as number;
    bytes[offset + 50] = (bytes[offset + 50] as number) ^ 1;
    writeFileSync(path, bytes);
    const refused = await run(["serve", "--port", "0", "--store", path]);
    expect(refused).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringContaining(`damaged at byte ${offset}`),
    });
    const checked = await run(["store", "check", "--store", path]);
    expect(checked).toMatchObject({ status: 1, stdout: expect.stringContaining(`damage at byte ${offset}, `) });
    const saved = newPath();
    const recovered = await run(["store", "recover", saved, "--store", path]);
    expect(recovered).toMatchObject({ status: 0, stdout: expect.stringContaining(`${saved} holds what is whole`) });
    const info = await run(["store", "info", "--json", "--store", saved, "--key-file", `${path}.key`]);
    expect(JSON.parse(info.stdout)).toMatchObject({ records: { fido2: 4 }, damage: [] });
  });
});
