// status, touch, watch, power-cycle, fido, attestation and metadata, on keys that run in this process and on the stores
// of keys that do not.
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { attestationCreate, attestationRemove, attestationShow, metadata } from "../../src/cli/attestation.ts";
import { moveCard } from "../../src/cli/card.ts";
import { fidoChangePin, fidoCredentials, fidoDelete, fidoInfo, fidoReset, fidoSetPin } from "../../src/cli/fido.ts";
import type { Surroundings } from "../../src/cli/open-store.ts";
import { powerCycle } from "../../src/cli/power-cycle.ts";
import type { Serving } from "../../src/cli/serve.ts";
import { status } from "../../src/cli/status.ts";
import { init } from "../../src/cli/store.ts";
import { touch } from "../../src/cli/touch.ts";
import { watch } from "../../src/cli/watch.ts";
import { ControlClient } from "../../src/control/client.ts";
import { attachDevice, openChannel } from "../support/attached-key.ts";
import { Command, cborMap, encodeRequest, makeCredentialParameters } from "../support/fido-client.ts";
import { commandRig } from "./rig.ts";

const { directory, env, around, printed, print, printedJson, usualStore, secretFile, start, stop } = commandRig();
const json = { json: true };
const plain = { json: false };

/** With answers typed at a terminal, in the order of the questions. */
function typing(...answers: string[]): Surroundings & { readonly shown: () => string } {
  const input = new PassThrough();
  const output = new PassThrough();
  let shown = "";
  output.on("data", (data: Buffer) => {
    shown += data.toString();
    if (/: $/.test(shown) && answers.length > 0) input.write(`${answers.shift()}\n`);
  });
  return { ...around, terminal: { input, output }, shown: () => shown };
}

const touchOptions = { deny: false, long: false, verify: false, ...plain };
const select = Uint8Array.of(0x0b);

async function register(serving: Serving, name: string): Promise<void> {
  const host = await openChannel(await attachDevice(serving.address));
  const user = cborMap({ id: Buffer.from(name), name });
  const parameters = makeCredentialParameters({ 3: user, 7: cborMap({ rk: true }) });
  expect((await host.cbor(encodeRequest(Command.MAKE_CREDENTIAL, parameters)))[0]).toBe(0);
}

describe("commands for a running key", () => {
  it("say that there is none", async () => {
    await status(plain, env, print);
    expect(printed).toEqual(["No key is running."]);
    const none = 'No key is running: start one with "latchkey serve".';
    await expect(touch(touchOptions, env, print)).rejects.toThrow(none);
    await expect(powerCycle(plain, env, print)).rejects.toThrow(none);
    const elsewhere = { ...touchOptions, control: join(directory, "nothing") };
    await expect(touch(elsewhere, env, print)).rejects.toThrow(`No key is running at ${elsewhere.control}`);
  });

  it("take the card out of its reader and put it back", async () => {
    const serving = await start();
    const cardIsOut = async () => (await new ControlClient(serving.control).status()).card === "out";
    await moveCard("in", plain, env, print);
    await moveCard("out", plain, env, print);
    expect(await cardIsOut()).toBe(true);
    await moveCard("out", plain, env, print);
    await status(plain, env, print);
    expect(printed.splice(0)).toEqual([
      "The card is in its reader already.",
      'The card is out: "latchkey card insert" puts it back.',
      "The card is out already.",
      ...[expect.anything(), expect.anything(), expect.anything(), expect.anything(), expect.anything()],
      "  its card is ejected",
    ]);
    await moveCard("in", json, env, print);
    expect(printedJson()).toEqual({ card: "in", moved: true });
    await moveCard("in", json, env, print);
    expect(printedJson()).toEqual({ card: "in", moved: false });
    expect(await cardIsOut()).toBe(false);
  });

  it("find the only one, and want to be told which of several", async () => {
    const first = await start();
    await powerCycle(plain, env, print);
    expect(printed.splice(0)).toEqual(["The key had no host; it has forgotten what it forgets without power."]);
    const second = await start({ control: join(env.XDG_RUNTIME_DIR ?? "", "own.sock") });
    await powerCycle({ ...json, control: second.control }, env, print);
    expect(printedJson()).toEqual({ detachedFrom: null });
    const third = await start();
    const both = [first.control, third.control].sort().join(", ");
    await expect(powerCycle(plain, env, print)).rejects.toThrow(
      `2 keys are running: say which with --control, ${both}.`,
    );
    await status(json, env, print);
    const found = printedJson().keys.map(({ control }: { control: string }) => control);
    expect(found).toEqual([first.control, third.control].sort());
  });

  it("show what waits, and answer it", async () => {
    const { address, control } = await start();
    const host = await openChannel(await attachDevice(address));
    const answer = host.cbor(select);
    await vi.waitFor(async () => {
      printed.length = 0;
      await status(plain, env, print);
      expect(printed.at(-1)).toBe("  waits for touch 1: FIDO2: select this key");
    });
    expect(printed).toEqual([
      expect.stringMatching(/^Key [0-9a-f]{16}, USB id 1209:0001, process \d+, Latchkey \d/),
      `  listens on 127.0.0.1:${address.port}, control socket ${control}`,
      "  state: in memory",
      "  touch: ask",
      expect.stringMatching(/^ {2}attached to 127\.0\.0\.1:\d+, as device 1-1$/),
      "  waits for touch 1: FIDO2: select this key",
    ]);
    printed.length = 0;
    await touch({ ...touchOptions, deny: true, id: 1 }, env, print);
    expect(printed).toEqual(["Denied: FIDO2: select this key."]);
    expect((await answer)[0]).toBe(0x27);
    const next = host.cbor(select);
    printed.length = 0;
    await touch({ ...touchOptions, ...json, wait: 5 }, env, print);
    expect(printedJson()).toEqual({ touch: { id: 2, applet: "FIDO2", action: "select this key" }, granted: true });
    expect((await next)[0]).toBe(0);
  });

  it("show what happens, with nothing from a relying party that could move the cursor", async () => {
    const serving = await start({ touch: "auto" });
    const ending = new AbortController();
    const watching = watch(plain, env, print, ending.signal);
    await vi.waitFor(() => expect(printed[0]).toMatch(/^\d\d:\d\d:\d\d {2}key [0-9a-f]{16}, attached to no host$/));
    const raw: string[] = [];
    const watchingRaw = watch(json, env, (line) => raw.push(line), ending.signal);
    await vi.waitFor(() => expect(raw).toHaveLength(1));
    await register(serving, "al\u001b[2Jice");
    await vi.waitFor(() => expect(raw).toHaveLength(4));
    await stop(serving);
    await Promise.all([watching, watchingRaw]);
    expect(printed.slice(1).map((line) => line.slice(10))).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+ attached 1-1$/),
      'FIDO2: register for "example.com" as "al\ufffd[2Jice": asked, touch 1',
      'FIDO2: register for "example.com" as "al\ufffd[2Jice": granted',
    ]);
    expect(raw.map((line) => JSON.parse(line).event)).toEqual(["watching", "attached", "asked", "settled"]);
    expect(JSON.parse(raw[2] ?? "").touch).toMatchObject({ account: "al\u001b[2Jice", subject: "example.com" });
  });
});

describe("latchkey fido", () => {
  it("sets a PIN before the key is served, which is there when it is", async () => {
    await init({ store: usualStore() }, around, print);
    printed.length = 0;
    await fidoSetPin({ ...plain, newPinFile: secretFile("from a file\n") }, around, print);
    expect(printed.splice(0)).toEqual([expect.stringMatching(/^The PIN of key [0-9a-f]{16} is set\.$/)]);
    const serving = await start({ ephemeral: false });
    await fidoInfo(json, around, print);
    expect(printedJson()).toMatchObject({ pin: { set: true, retries: 8 } });
    env.LATCHKEY_PIN = "from a file";
    env.LATCHKEY_NEW_PIN = "from the environment";
    await fidoChangePin({ ...plain, store: usualStore() }, around, print);
    await stop(serving);
    printed.length = 0;
    await expect(fidoCredentials(json, around, print)).rejects.toThrow("That is not the PIN; 7 tries are left.");
    env.LATCHKEY_PIN = "from the environment";
    await fidoCredentials(json, around, print);
    expect(printedJson()).toEqual({ credentials: [] });
  });

  it("asks for PINs at the terminal, without showing them", async () => {
    await start();
    const first = typing("typed", "typo", "typed", "typed");
    await fidoSetPin(plain, first, print);
    expect(first.shown()).toBe("New PIN: \nOnce more: \nThese were two different PINs.\nNew PIN: \nOnce more: \n");
    const second = typing("typed", "other", "other");
    await fidoChangePin(plain, second, print);
    await fidoCredentials(plain, typing("other"), print);
    expect(printed.at(-1)).toBe("There are no discoverable credentials.");
    await expect(fidoCredentials(plain, typing(""), print)).rejects.toThrow("The PIN that was typed is empty.");
  });

  it("says what it lacks where there is no terminal", async () => {
    await start();
    await expect(fidoSetPin(plain, around, print)).rejects.toThrow("give --new-pin-file or LATCHKEY_NEW_PIN.");
    env.LATCHKEY_NEW_PIN = "1234";
    await fidoSetPin(plain, around, print);
    await expect(fidoCredentials(plain, around, print)).rejects.toThrow("give --pin-file or LATCHKEY_PIN.");
    const open = secretFile("1234");
    chmodSync(open, 0o644);
    await expect(fidoCredentials({ ...plain, pinFile: open }, around, print)).rejects.toThrow("chmod 600");
    await expect(fidoReset({ ...plain, yes: false }, around, print)).rejects.toThrow("say --yes if you mean it.");
    await expect(fidoInfo({ ...plain, control: "a", store: "b" }, around, print)).rejects.toThrow("not both");
    await expect(fidoInfo({ ...plain, store: join(directory, "none") }, around, print)).rejects.toThrow(
      /there is no store .*none: "latchkey init" makes one\.$/,
    );
  });

  it("lists, deletes and resets, on a key that runs and on one that does not", async () => {
    const store = usualStore();
    const serving = await start({ ephemeral: false, touch: "auto" });
    await register(serving, "alice");
    await vi.waitFor(async () => {
      printed.length = 0;
      await fidoInfo(plain, around, print);
      expect(printed[3]).toBe("  credentials: 1 discoverable, room for 49999 more");
    });
    await powerCycle(plain, env, print);
    await register(serving, "bob");
    printed.length = 0;
    await fidoCredentials(plain, around, print);
    expect(printed.map((line) => line.slice(16)).sort()).toEqual([
      "  example.com  alice  ES256",
      "  example.com  bob  ES256",
    ]);
    const id = printed.find((line) => line.includes("alice"))?.slice(0, 16) ?? "";
    await stop(serving);

    printed.length = 0;
    await fidoDelete(id, { ...plain, store }, around, print);
    expect(printed.splice(0)).toEqual([`Deleted ${id}  example.com  alice  ES256`]);
    const refused = typing("no");
    await expect(fidoReset({ ...plain, store, yes: false }, refused, print)).rejects.toThrow("Nothing was done.");
    expect(refused.shown()).toMatch(/^Erase every FIDO credential of key [0-9a-f]{16}, 1 discoverable .*\? Type yes: /);
    await fidoReset({ ...plain, store, yes: false }, typing("yes"), print);
    await fidoCredentials({ ...json, store }, around, print);
    expect(JSON.parse(printed.at(-1) ?? "")).toEqual({ credentials: [] });
  });

  it("tells programs what was set, changed and erased, on a key that runs and on one that does not", async () => {
    const store = usualStore();
    const serving = await start({ ephemeral: false, touch: "auto" });
    await register(serving, "alice");
    env.LATCHKEY_PIN = "first";
    env.LATCHKEY_NEW_PIN = "first";
    printed.length = 0;
    await fidoSetPin(json, around, print);
    const { serial, pin } = printedJson();
    expect(pin).toEqual({ set: true, retries: 8, needsPowerCycle: false, mustChange: false, minLength: 4 });
    await stop(serving);
    env.LATCHKEY_NEW_PIN = "second";
    await fidoChangePin({ ...json, store }, around, print);
    expect(printedJson()).toEqual({ serial, pin });
    await fidoReset({ ...json, store, yes: true }, around, print);
    expect(printedJson()).toEqual({ serial, erased: { discoverable: 1 } });
    await fidoInfo({ ...json, store }, around, print);
    expect(printedJson()).toMatchObject({ serial, pin: { set: false }, credentials: { discoverable: 0 } });
  });

  it("finds the running key of a store, not another, and says when its socket is elsewhere", async () => {
    const store = usualStore();
    const own = join(env.XDG_RUNTIME_DIR ?? "", "own.sock");
    await init({ store }, around, print);
    await start();
    printed.length = 0;
    await fidoInfo(json, around, print);
    const ephemeral = printedJson().serial;
    await fidoInfo({ ...json, store }, around, print);
    const stored = printedJson().serial;
    expect(stored).not.toBe(ephemeral);
    await start({ ephemeral: false, control: own });
    await expect(fidoInfo({ ...json, store }, around, print)).rejects.toThrow(
      `${store} is in use, but no running key was found that serves it: name its socket with --control.`,
    );
    await fidoInfo({ ...json, control: own }, around, print);
    expect(printedJson().serial).toBe(stored);
  });
});

describe("latchkey attestation and metadata", () => {
  const create = { enterprise: false, replace: false, ...plain };

  it("make a certificate on a stopped key, show it on a running one, and take it away", async () => {
    await init({ store: usualStore() }, around, print);
    const caFile = join(env.XDG_DATA_HOME ?? "", "ca.pem");
    printed.length = 0;
    await attestationCreate({ ...create, caFile }, around, print);
    expect(printed.splice(0)).toEqual([
      "This key has a batch attestation certificate from now on.",
      "Certificates: batch.",
      `The authority's certificate is in ${caFile}.`,
    ]);
    const pem = readFileSync(caFile, "utf8");
    expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n[\s\S]+\n-----END CERTIFICATE-----\n$/);
    await start({ ephemeral: false });
    await attestationCreate({ ...create, enterprise: true, rpId: ["example.com"] }, around, print);
    expect(printed.splice(0).join("\n")).toContain(
      "Certificates: batch and enterprise.\nBy their own word to: example.com.",
    );
    await attestationShow(json, around, print);
    expect(printedJson()).toMatchObject({ authority: pem, enterpriseRpIds: ["example.com"] });
    await expect(attestationCreate({ ...create, caFile: directory }, around, print)).rejects.toThrow("--replace");
    await expect(attestationCreate({ ...create, replace: true, caFile: directory }, around, print)).rejects.toThrow(
      `The certificate cannot be written to ${directory} (EISDIR).`,
    );
    printed.length = 0;
    await attestationRemove(json, around, print);
    expect(printedJson()).toEqual({ authority: null, batch: null, enterprise: null, enterpriseRpIds: [] });
    await attestationRemove(plain, around, print);
    await attestationShow(plain, around, print);
    expect(printed.slice(-2)).toEqual(
      Array(2).fill("This key has no attestation certificates; registrations attest for themselves."),
    );
  });

  it("print a statement of the key that runs, and of a new one where there is none", async () => {
    await metadata({ pqc: true }, around, print);
    expect(printedJson()).toMatchObject({ protocolFamily: "fido2", attestationTypes: ["basic_surrogate"] });
    await start();
    await attestationCreate(create, around, print);
    printed.length = 0;
    await metadata({}, around, print);
    expect(printedJson()).toMatchObject({ attestationTypes: ["basic_full"] });
  });
});
