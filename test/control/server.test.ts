import { once } from "node:events";
import { chmodSync, existsSync, statSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ControlClient } from "../../src/control/client.ts";
import type { WatchLine } from "../../src/control/messages.ts";
import { NotRunning } from "../../src/control/refusal.ts";
import type { PresencePrompt } from "../../src/platform.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { refusal, startKey } from "./running-key.ts";

const directory = storeDirectory();
const running = new Set<Awaited<ReturnType<typeof startKey>>>();
afterEach(async () => {
  for (const { server, pending } of running) {
    pending.reset();
    await server.close();
  }
  running.clear();
});

async function start(...args: Parameters<typeof startKey> extends [string, ...infer Rest] ? Rest : never) {
  const started = await startKey(directory, ...args);
  running.add(started);
  return started;
}

const signIn: PresencePrompt = { applet: "FIDO2", action: "sign in", subject: "example.com", account: "alice" };
const never = new AbortController().signal;

interface Raw {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** A request as any program could send it. */
async function send(socketPath: string, { method = "POST", path = "/v1/touch", headers = {}, body = "" }: Raw) {
  const request = httpRequest({
    socketPath,
    method,
    path,
    headers: { host: "latchkey", "content-type": "application/json", ...headers },
    agent: false,
  });
  request.on("error", () => {}); // the server may cut off what it will not read
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, answer: JSON.parse(text) as Record<string, unknown> };
}

describe("a touch", () => {
  it("is given to the oldest, or to the one that is named", async () => {
    const { client, pending } = await start();
    const first = pending.request(signIn, never);
    const second = pending.request({ ...signIn, subject: "example.org" }, never);
    expect((await client.status()).waiting).toEqual([
      { id: 1, ...signIn },
      { id: 2, ...signIn, subject: "example.org" },
    ]);
    expect(await client.touch({ id: 2, granted: false })).toEqual({
      touch: { id: 2, ...signIn, subject: "example.org" },
      granted: false,
    });
    expect(await second).toBe("denied");
    await client.touch({ granted: true });
    expect(await first).toBe("granted");
  });

  it("may be given before it is asked for, within a time", async () => {
    const { client, pending } = await start();
    const given = client.touch({ granted: true, waitMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await pending.request(signIn, never)).toBe("granted");
    expect(await given).toMatchObject({ touch: { subject: "example.com" } });
    expect(await refusal(client.touch({ granted: true, waitMs: 20 }))).toMatchObject({ code: "nothing-waits" });
  });

  it("waits for nobody who has gone", async () => {
    const { path, pending } = await start();
    const request = httpRequest({ socketPath: path, method: "POST", path: "/v1/touch", agent: false });
    request.setHeader("host", "latchkey").setHeader("content-type", "application/json");
    request.on("error", () => {});
    request.end(JSON.stringify({ granted: true, waitMs: 60_000 }));
    await once(request, "finish");
    await new Promise((resolve) => setTimeout(resolve, 50));
    request.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const asked = pending.request(signIn, never);
    expect(pending.waiting).toHaveLength(1);
    pending.reset();
    expect(await asked).toBe("cancelled");
  });

  it("is refused when none waits, and where nobody is asked", async () => {
    const { client } = await start();
    expect(await refusal(client.touch({ granted: true }))).toMatchObject({
      code: "nothing-waits",
      message: "No touch is waited for, and the key has no keyboard that would type an OTP slot.",
    });
    expect(await refusal(client.touch({ id: 7, granted: true }))).toMatchObject({
      message: "No touch 7 is waited for.",
    });
    const auto = await start("auto");
    expect(await refusal(auto.client.touch({ granted: true }))).toMatchObject({
      code: "not-asking",
      message: "This key never waits for a touch: it was started with --touch auto.",
    });
  });

  it("does not grant unseen what wants more than a touch", async () => {
    const { client, pending } = await start();
    const reset = pending.request({ applet: "FIDO2", action: "erase", long: true }, never);
    expect(await refusal(client.touch({ granted: true, verified: true }))).toMatchObject({
      code: "deliberate-touch",
      message: "FIDO2: erase wants a long touch: give it with --long.",
    });
    await client.touch({ granted: true, long: true });
    expect(await reset).toBe("granted");

    const verification = pending.request({ ...signIn, verification: true }, never);
    expect(await refusal(client.touch({ granted: true, long: true }))).toMatchObject({ code: "deliberate-touch" });
    await client.touch({ granted: true, verified: true });
    expect(await verification).toBe("granted");

    const denied = pending.request({ ...signIn, verification: true, long: true }, never);
    await client.touch({ granted: false });
    expect(await denied).toBe("denied");
  });
});

describe("watching", () => {
  it("shows the state, then what is asked and how it ends, until the key ends", async () => {
    const { client, pending, events, server } = await start();
    const lines: WatchLine[] = [];
    const watched = client.watch((line) => lines.push(line));
    await vi.waitFor(() => expect(lines).toHaveLength(1));
    const asked = pending.request(signIn, never);
    pending.answer(1, true);
    await asked;
    events.tell({ event: "attached", busid: "1-1", peer: "127.0.0.1:50000" });
    await vi.waitFor(() => expect(lines).toHaveLength(4));
    await server.close();
    await watched;
    const touch = { id: 1, ...signIn };
    expect(lines).toMatchObject([
      { event: "watching", status: { waiting: [] } },
      { event: "asked", touch },
      { event: "settled", touch, outcome: "granted" },
      { event: "attached", busid: "1-1", peer: "127.0.0.1:50000" },
    ]);
    for (const { time } of lines) expect(time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it("stops when the watcher has seen enough, and costs the key nothing more", async () => {
    const { client, events } = await start();
    const stop = new AbortController();
    const lines: WatchLine[] = [];
    const watched = client.watch((line) => lines.push(line), stop.signal);
    await vi.waitFor(() => expect(lines).toHaveLength(1));
    stop.abort();
    await watched;
    events.tell({ event: "detached", busid: "1-1", peer: "127.0.0.1:50000" });
    expect((await client.status()).busid).toBe("1-1");
    expect(lines).toHaveLength(1);
  });
});

describe("what a client costs the key", () => {
  it("is bounded: a watcher that does not read is cut off, and others hear on", async () => {
    const { path, client, events } = await start();
    const lines: WatchLine[] = [];
    const stop = new AbortController();
    const watched = client.watch((line) => lines.push(line), stop.signal);
    const idle = connect(path);
    idle.write("GET /v1/watch HTTP/1.1\r\nHost: latchkey\r\n\r\n");
    await once(idle, "readable"); // nothing is read from now on
    const peer = "x".repeat(50_000);
    for (let told = 1; told <= 40; told++) {
      events.tell({ event: "detached", busid: "1-1", peer });
      await vi.waitFor(() => expect(lines).toHaveLength(1 + told), { interval: 1 });
    }
    stop.abort();
    await watched;
    let received = 0;
    for await (const chunk of idle) received += chunk.length;
    expect(received).toBeLessThan(40 * peer.length);
  });

  it("is at most 64 connections", async () => {
    const { path, client } = await start();
    const held = Array.from({ length: 64 }, () => connect(path));
    await Promise.all(held.map((socket) => once(socket, "connect")));
    const oneMore = connect(path);
    await once(oneMore, "close");
    for (const socket of held) socket.destroy();
    await vi.waitFor(() => client.status());
  });
});

describe("what does not come from the owner's own programs", () => {
  it.each<[string, Raw, number]>([
    ["a page's origin", { headers: { origin: "http://latchkey" } }, 403],
    ["a browser's metadata", { headers: { "sec-fetch-site": "same-origin" } }, 403],
    ["another host's name", { headers: { host: "rebound.example" } }, 403],
    ["an unknown route", { path: "/v1/private-keys" }, 404],
    ["a route with a query", { path: "/v1/touch?granted=true" }, 404],
    ["a member of Object's prototype as a route", { path: "/constructor" }, 404],
    ["a GET of what changes something", { method: "GET" }, 405],
    ["a POST to watch", { path: "/v1/watch" }, 405],
    ["a DELETE", { method: "DELETE", path: "/v1/status" }, 405],
    ["a form", { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "granted=true" }, 400],
    ["no JSON", { body: "granted" }, 400],
    ["a list", { body: "[true]" }, 400],
    ["bytes that are no UTF-8", { body: Uint8Array.of(0x22, 0xff, 0x22) }, 400],
    ["a missing member", { body: "{}" }, 400],
    ["a member of another type", { body: '{"granted":"yes"}' }, 400],
    ["a number that is none", { body: '{"granted":true,"id":1.5}' }, 400],
    ["a wait beyond the limit", { body: '{"granted":true,"waitMs":600001}' }, 400],
    ["an unknown member", { body: '{"granted":true,"force":true}' }, 400],
    ["a prototype as a member", { body: '{"granted":true,"__proto__":{"id":1}}' }, 400],
    ["more than a request can be", { body: `{"granted":true,"x":"${"x".repeat(20_000)}"}` }, 413],
  ])("is refused: %s", async (_name, raw, status) => {
    const { path, client, pending } = await start();
    const waiting = pending.request(signIn, never);
    const { status: answered, answer } = await send(path, raw);
    expect(answered).toBe(status);
    expect(answer).toEqual({ error: { code: expect.any(String), message: expect.stringMatching(/\.$/) } });
    expect(pending.waiting).toHaveLength(1);
    expect((await client.status()).waiting).toHaveLength(1);
    pending.reset();
    expect(await waiting).toBe("cancelled");
  });

  it("may end in the middle, which is no fault of the key's", async () => {
    const { path, client, logged } = await start();
    const socket = connect(path);
    socket.write(
      "POST /v1/touch HTTP/1.1\r\nhost: latchkey\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
      () => setTimeout(() => socket.destroy(), 20),
    );
    await vi.waitFor(() => expect(logged.join("\n")).toContain("control socket: "));
    expect(logged.filter((line) => line.includes(" error "))).toEqual([]);
    await client.status();
  });

  it("gets no part of a PIN back, nor into the log", async () => {
    const { path, logged } = await start();
    const planted = "planted-73911";
    for (const body of [
      `{"newPin":"${planted}`,
      `{"newPin":["${planted}"]}`,
      `{"${planted}":1}`,
      `{"newPin":"${planted}"}`,
    ]) {
      const { answer } = await send(path, { path: "/v1/fido/set-pin", body });
      expect(JSON.stringify(answer)).not.toContain(planted);
    }
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.join("\n")).not.toContain(planted);
  });
});

describe("the socket", () => {
  it("is its user's alone, whatever the umask", async () => {
    const before = process.umask(0);
    try {
      const { path } = await start();
      expect(statSync(path).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(before);
    }
  });

  it("is gone when the key has ended, and a client says so", async () => {
    const { path, server, client } = await start();
    await server.close();
    expect(existsSync(path)).toBe(false);
    await expect(client.status()).rejects.toThrow(NotRunning);
    await expect(client.status()).rejects.toThrow(`No key is running at ${path}: start one with "latchkey serve".`);
  });

  it("is not taken from a key that runs, nor in place of a file", async () => {
    const { path } = await start();
    const other = await start();
    await expect(other.server.listen(path)).rejects.toThrow(`${path} belongs to a key that is running`);
    const file = join(directory, "file");
    writeFileSync(file, "precious");
    await expect(other.server.listen(file)).rejects.toThrow(`${file} exists and is not a socket`);
    expect((await new ControlClient(path).status()).busid).toBe("1-1");
  });

  it("may not be where its path does not fit, or where nothing can be made", async () => {
    const { server } = await start();
    const long = join(directory, "x".repeat(100));
    await expect(server.listen(long)).rejects.toThrow("The path of the control socket is too long");
    const missing = join(directory, "missing", "socket");
    await expect(server.listen(missing)).rejects.toThrow("No control socket can be made in");
  });

  it("may answer with something else than a key does, which is said", async () => {
    const path = join(directory, "other");
    const other = createServer((socket) => socket.end("HTTP/1.1 418 teapot\r\n\r\nshort and stout"));
    other.listen(path);
    await once(other, "listening");
    chmodSync(path, 0o600);
    try {
      await expect(new ControlClient(path).status()).rejects.toThrow(
        "What answers at the control socket is not a key.",
      );
    } finally {
      other.close();
    }
  });
});
