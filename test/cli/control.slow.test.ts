// A key that runs, and the program that talks to it, as they are built: what they print and how they end.
import { once } from "node:events";
import { mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { attachDevice, openChannel } from "../support/attached-key.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { programRig } from "./program.ts";

const directory = storeDirectory();
let place: string;

beforeEach(() => {
  place = mkdtempSync(join(directory, "place-"));
});

const { start, run, serving } = programRig(() => ({ HOME: place, XDG_RUNTIME_DIR: place }));

describe("a key without a terminal", () => {
  it("gets its touches from latchkey touch, and is watched meanwhile", async () => {
    const { port, child, stdout: shown } = await serving("--ephemeral", "--touch", "ask");
    expect(shown).toMatch(/^Touch: ask; "[^"]+cli\.js touch" grants, with --deny it denies\.$/m);
    const watching = start(["watch"]);
    await vi.waitFor(() => expect(watching.stdout).toContain("attached to no host"), { timeout: 10_000 });
    const host = await openChannel(await attachDevice({ host: "127.0.0.1", port }));
    const touched = run(["touch", "--wait", "20"]);
    const answer = host.cbor(Uint8Array.of(0x0b));
    expect(await touched).toEqual({ status: 0, stdout: "Granted: FIDO2: select this key.\n", stderr: "" });
    expect((await answer)[0]).toBe(0);
    const second = host.cbor(Uint8Array.of(0x0b));
    await vi.waitFor(() => expect(watching.stdout).toContain("touch 2"), { timeout: 10_000 });
    expect((await run(["touch", "--deny"])).stdout).toBe("Denied: FIDO2: select this key.\n");
    expect((await second)[0]).toBe(0x27);
    const { stdout } = await run(["status", "--json"]);
    expect(JSON.parse(stdout).keys).toMatchObject([{ touch: "ask", address: { port }, pid: child.pid, waiting: [] }]);
    const ended = once(watching.child, "close");
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    expect(watching.stdout).toContain("select this key: granted\n");
    expect(watching.stdout).toContain("select this key: denied\n");
  });

  it("is not waited for when there is none, and a key that was killed leaves nothing in the way", async () => {
    const none = { status: 1, stdout: "", stderr: 'latchkey: No key is running: start one with "latchkey serve".\n' };
    expect(await run(["touch"])).toEqual(none);
    const { child } = await serving("--ephemeral");
    expect(readdirSync(join(place, "latchkey"))).toHaveLength(1);
    child.kill("SIGKILL");
    await once(child, "close");
    expect(readdirSync(join(place, "latchkey"))).toHaveLength(1);
    expect(await run(["power-cycle"])).toEqual(none);
    expect(readdirSync(join(place, "latchkey"))).toEqual([]);
    const control = join(place, "own");
    const killed = (await serving("--ephemeral", "--control", control)).child;
    killed.kill("SIGKILL");
    await once(killed, "close");
    await serving("--ephemeral", "--control", control);
    expect(await run(["power-cycle", "--control", control, "--json"])).toMatchObject({
      status: 0,
      stdout: '{"detachedFrom":null}\n',
    });
  });

  it("stops watching at Ctrl-C, with status 0", async () => {
    await serving("--ephemeral");
    const watching = start(["watch", "--json"]);
    await vi.waitFor(() => expect(watching.stdout).toContain('"event":"watching"'), { timeout: 10_000 });
    watching.child.kill("SIGINT");
    expect(await once(watching.child, "close")).toEqual([0, null]);
    expect(watching.stderr).toBe("");
  });
});

describe("a PIN for a key that is not served yet", () => {
  it("is set from the environment, and is not taken from the command line", async () => {
    const store = join(place, "store");
    await run(["init", "--store", store]);
    const set = await run(["fido", "set-pin", "--store", store], { LATCHKEY_NEW_PIN: "1234" });
    expect(set).toMatchObject({ status: 0, stderr: "" });
    expect((await run(["fido", "set-pin", "--pin", "1234", "--store", store])).status).toBe(2);
    await serving("--store", store);
    const info = await run(["fido", "info", "--json"]);
    expect(JSON.parse(info.stdout).pin).toMatchObject({ set: true, retries: 8 });
    const wrong = await run(["fido", "credentials"], { LATCHKEY_PIN: "4321" });
    expect(wrong).toEqual({ status: 1, stdout: "", stderr: "latchkey: That is not the PIN; 7 tries are left.\n" });
    const reset = await run(["fido", "reset", "--yes"]);
    expect(reset).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^The FIDO part of key \w+ is as new\.\n$/),
    });
  });
});

it("says what the key is in a metadata statement, without a key even, asked for JSON or not", async () => {
  const { status, stdout } = await run(["metadata"]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ schema: 3, protocolFamily: "fido2" });
  expect(await run(["metadata", "--json"])).toEqual({ status, stdout, stderr: "" });
});
