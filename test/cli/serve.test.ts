import { existsSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, expect, test, vi } from "vitest";
import { Failure } from "../../src/cli/failure.ts";
import { type ServeOptions, type Serving, serve } from "../../src/cli/serve.ts";
import { ControlClient } from "../../src/control/client.ts";
import { importDevice, listDevices } from "../../src/usbip/client.ts";
import { attachDevice, openChannel } from "../support/attached-key.ts";
import { storeDirectory } from "../support/store-directory.ts";

const directory = storeDirectory();
let stores = 0;
/** A store of its own for each key that is not ephemeral: its key file is made beside it. */
const onDisk = () => ({ ephemeral: false, store: join(directory, `store-${++stores}`) });

const defaults: ServeOptions = {
  host: "127.0.0.1",
  port: 0,
  ephemeral: true,
  store: join(directory, "unused"),
  usbId: { vendor: 0x1209, product: 0x0001 },
  logLevel: "info",
};

const running = new Set<Serving>();

afterEach(async () => {
  for (const serving of running) await serving.close();
  running.clear();
});

/** Serves on streams of its own; `printed` and `logged` are what went to them so far. */
async function start(changes: Partial<ServeOptions> = {}, isTerminal = false) {
  const streams = { input: new PassThrough(), output: new PassThrough(), errors: new PassThrough() };
  const text = { output: "", errors: "" };
  streams.output.on("data", (chunk: Buffer) => {
    text.output += chunk.toString();
  });
  streams.errors.on("data", (chunk: Buffer) => {
    text.errors += chunk.toString();
  });
  const around = {
    terminal: undefined,
    env: { XDG_RUNTIME_DIR: directory },
    warn: (sentence: string) => void streams.errors.write(sentence),
  };
  const console = { ...streams, isTerminal, script: "/opt/latchkey/cli.js" };
  const serving = await serve({ ...defaults, ...changes }, console, around);
  running.add(serving);
  await new Promise(setImmediate);
  const client = new ControlClient(serving.control);
  return { ...serving, client, input: streams.input, printed: () => text.output, logged: () => text.errors };
}

test("The port that it got is printed, and the device is there under the id that was asked for", async () => {
  const { address, printed } = await start({ usbId: { vendor: 0xabcd, product: 0x0042 } });
  expect(printed()).toMatch(new RegExp(`^Listening on 127\\.0\\.0\\.1:${address.port}$`, "m"));
  expect(printed()).toContain(`attach --port ${address.port}\n`);
  const devices = await listDevices(address);
  expect(devices).toMatchObject([{ busid: "1-1", idVendor: 0xabcd, idProduct: 0x0042 }]);
  expect(devices[0]?.interfaces).toMatchObject([
    { bInterfaceClass: 3, bInterfaceSubClass: 0, bInterfaceProtocol: 0 },
    { bInterfaceClass: 0x0b, bInterfaceSubClass: 0, bInterfaceProtocol: 0 },
  ]);
});

test("Without --touch it asks at a terminal; without one it grants if it is ephemeral and denies otherwise", async () => {
  expect((await start({}, true)).printed()).toContain("Touch: ask;");
  expect((await start({})).printed()).toContain("Touch: auto;");
  expect((await start(onDisk())).printed()).toContain("Touch: deny;");
  expect((await start({ ...onDisk(), touch: "auto" })).printed()).toContain("Touch: auto;");
});

test("Attaching and detaching are logged", async () => {
  const { address, logged } = await start();
  const device = await importDevice({ ...address, busid: "1-1" });
  await vi.waitFor(() => expect(logged()).toMatch(/info 127\.0\.0\.1:\d+ attached 1-1\n/));
  await device.detach();
  await vi.waitFor(() => expect(logged()).toMatch(/info 127\.0\.0\.1:\d+ detached 1-1\n/));
});

test("At the terminal, Enter grants the touch that a host waits for and n denies it", async () => {
  const { address, input, logged } = await start({}, true);
  const client = await openChannel(await attachDevice(address));
  const select = Uint8Array.of(0x0b);

  const first = client.cbor(select);
  await vi.waitFor(() => expect(logged()).toContain("Touch? FIDO2: select this key  [Enter grants, n denies] "));
  input.write("\n");
  expect([...(await first)]).toEqual([0x00]);

  const second = client.cbor(select);
  await vi.waitFor(() => expect(logged().match(/Touch\?/g)).toHaveLength(2));
  input.write("n\n");
  expect([...(await second)]).toEqual([0x27]);
  expect(logged()).toMatch(/granted\n[\s\S]*denied\n/);
});

test("What --touch auto and deny decide is logged", async () => {
  for (const [touch, status, outcome] of [
    ["auto", 0x00, "granted"],
    ["deny", 0x27, "denied"],
  ] as const) {
    const { address, logged } = await start({ touch });
    const client = await openChannel(await attachDevice(address));
    expect([...(await client.cbor(Uint8Array.of(0x0b)))]).toEqual([status]);
    expect(logged()).toContain(`info FIDO2: select this key: ${outcome}\n`);
  }
});

test("Without a terminal, --touch ask takes the touch from the control socket, and the banner says how", async () => {
  const { address, client, printed, logged } = await start({ touch: "ask" });
  expect(printed()).toMatch(/^Touch: ask; "[^"]+ touch" grants, with --deny it denies\.$/m);
  const host = await openChannel(await attachDevice(address));
  for (const [granted, status] of [
    [true, 0x00],
    [false, 0x27],
  ] as const) {
    const answer = host.cbor(Uint8Array.of(0x0b));
    expect(await client.touch({ granted, waitMs: 5_000 })).toMatchObject({
      granted,
      touch: { action: "select this key" },
    });
    expect([...(await answer)]).toEqual([status]);
  }
  expect(logged()).toMatch(/select this key: waits for touch 1\n[\s\S]*: granted\n[\s\S]*: denied\n/);
});

test("At a terminal, a touch from the socket is as good, and is shown there", async () => {
  const { address, client, logged } = await start({}, true);
  const host = await openChannel(await attachDevice(address));
  const answer = host.cbor(Uint8Array.of(0x0b));
  await client.touch({ granted: true, waitMs: 5_000 });
  expect([...(await answer)]).toEqual([0x00]);
  await vi.waitFor(() => expect(logged()).toContain("[Enter grants, n denies] granted\n"));
});

test("The control socket tells what the key is, and its store by the file behind the links", async () => {
  const options = onDisk();
  const link = join(directory, "link");
  symlinkSync(directory, link);
  const store = join(link, basename(options.store));
  const { address, client } = await start({ ...options, store, uv: "auto", touch: "auto" });
  const status = await client.status();
  expect(status).toMatchObject({ address, store: options.store, uv: "auto", touch: "auto", usbId: "1209:0001" });
  expect(status).toMatchObject({ attachedTo: null, waiting: [], pid: process.pid, busid: "1-1" });
  expect(status.serial).toMatch(/^[0-9a-f]{16}$/);
});

test("A power cycle unplugs the key from its host, and clears what a wrong PIN blocked", async () => {
  const { address, client } = await start();
  await client.administration.fido.setPin("1234");
  const wrong = () => client.administration.fido.listCredentials("4321").catch((error: Error) => error.message);
  await wrong();
  await wrong();
  expect(await wrong()).toMatch(/^Three wrong PINs in a row: .* 5 tries are left\.$/);
  expect(await client.powerCycle()).toEqual({ detachedFrom: null });
  expect(await wrong()).toBe("That is not the PIN; 4 tries are left.");

  const device = await attachDevice(address);
  const waiting = device.transferIn(1, 64);
  const { attachedTo } = await client.status();
  expect(attachedTo).toMatch(/^127\.0\.0\.1:\d+$/);
  const [outcome, answer] = await Promise.allSettled([waiting, client.powerCycle()]);
  expect(outcome.status).toBe("rejected");
  expect(answer).toEqual({ status: "fulfilled", value: { detachedFrom: attachedTo } });
  expect((await client.status()).attachedTo).toBeNull();
  await openChannel(await attachDevice(address));
});

test("What FIDO2 is told to do otherwise is what it says of itself", async () => {
  const plain = await (await start()).client.administration.fido.info();
  expect(plain.options).not.toHaveProperty("uv");
  expect(plain.algorithms).toEqual([-7, -8, -35, -36, -47]);
  expect(plain.extensions).toContain("largeBlobKey");
  const other = await start({ uv: "auto", touch: "auto", allAlgorithms: true, pqc: true, largeBlob: "extension" });
  const info = await other.client.administration.fido.info();
  expect(info.options).toMatchObject({ uv: true });
  expect(info.algorithms).toEqual(expect.arrayContaining([-9, -19, -51, -52, -53, -48, -49, -50]));
  expect(info.extensions).toContain("largeBlob");
  expect(info.extensions).not.toContain("largeBlobKey");
});

test("User verification that would have to ask, where nobody is asked, is refused before anything is made", async () => {
  const options = onDisk();
  await expect(start({ ...options, uv: "ask" })).rejects.toThrow("--uv ask needs --touch ask");
  expect(existsSync(options.store)).toBe(false);
  await start({ ...options, uv: "ask", touch: "ask" });
});

test("Closing unplugs the key from its host and frees the port", async () => {
  const { address, control, close } = await start();
  expect(existsSync(control)).toBe(true);
  const device = await importDevice({ ...address, busid: "1-1" });
  const waiting = device.transferIn(1, 64);
  const [outcome] = await Promise.allSettled([waiting, close()]);
  expect(outcome.status).toBe("rejected");
  expect(existsSync(control)).toBe(false);
  expect((await start({ port: address.port })).address.port).toBe(address.port);
});

test("A port in use and an address that is not ours are one sentence each", async () => {
  const { address } = await start();
  await expect(start({ port: address.port })).rejects.toThrow(
    new Failure(
      `Port ${address.port} on 127.0.0.1 is in use: stop what listens there, or choose another with --port (0 for any).`,
    ),
  );
  await expect(start({ host: "203.0.113.1" })).rejects.toThrow("This machine has no address 203.0.113.1: see --host.");
  await expect(start({ host: "no such host" })).rejects.toThrow(
    "This machine has no address no such host: see --host.",
  );
});

test("Listening on every address warns", async () => {
  const { printed, address } = await start({ host: "0.0.0.0" });
  expect(printed()).toContain(`Listening on 0.0.0.0:${address.port}\n`);
  expect(printed()).toContain("Warning: USB/IP is neither encrypted nor authenticated;");
});
