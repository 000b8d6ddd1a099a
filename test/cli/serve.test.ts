import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, expect, test, vi } from "vitest";
import { Failure } from "../../src/cli/failure.ts";
import { type ServeOptions, type Serving, serve } from "../../src/cli/serve.ts";
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
  const around = { terminal: undefined, env: {}, warn: (sentence: string) => void streams.errors.write(sentence) };
  const console = { ...streams, isTerminal, script: "/opt/latchkey/cli.js" };
  const serving = await serve({ ...defaults, ...changes }, console, around);
  running.add(serving);
  await new Promise(setImmediate);
  return { ...serving, input: streams.input, printed: () => text.output, logged: () => text.errors };
}

test("The port that it got is printed, and the device is there under the id that was asked for", async () => {
  const { address, printed } = await start({ usbId: { vendor: 0xabcd, product: 0x0042 } });
  expect(printed()).toMatch(new RegExp(`^Listening on 127\\.0\\.0\\.1:${address.port}$`, "m"));
  expect(printed()).toContain(`attach --port ${address.port}\n`);
  const devices = await listDevices(address);
  expect(devices).toMatchObject([{ busid: "1-1", idVendor: 0xabcd, idProduct: 0x0042 }]);
  expect(devices[0]?.interfaces).toMatchObject([{ bInterfaceClass: 3, bInterfaceSubClass: 0, bInterfaceProtocol: 0 }]);
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

test("Closing unplugs the key from its host and frees the port", async () => {
  const { address, close } = await start();
  const device = await importDevice({ ...address, busid: "1-1" });
  const waiting = device.transferIn(1, 64);
  const [outcome] = await Promise.allSettled([waiting, close()]);
  expect(outcome.status).toBe("rejected");
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
