/**
 * What the tests want of a browser in the guest: a page of http://localhost, and functions that run in it. The browser is driven over one
 * connection that it, or a relay beside it, opens to the tests; nothing listens in the guest but the page's own server.
 */
import { createServer, type Socket } from "node:net";
import type { Guest } from "./guest.ts";

export const origin = "http://localhost";
export const rpId = "localhost";

export interface Browser {
  /** Runs the body of an async function of `argument` in the page. @returns what it returned, by way of JSON @throws what it threw, as a message */
  call<T>(body: string, argument: unknown): Promise<T>;
}

/** How long a browser may take from its start to its first answer: emulated, on a machine that does other things. */
export const LAUNCH_TIMEOUT_MS = 300_000;
/** How long a page's function may take. */
export const CALL_TIMEOUT_MS = 90_000;

/** An expression that never rejects, with the outcome as `{ value }` or `{ error }`. */
export function settledCall(body: string, argument: unknown): string {
  return `(async (argument) => { ${body} })(${JSON.stringify(argument)})
    .then((value) => ({ value }), (error) => ({ error: String(error) }))`;
}

export type Outcome = { readonly value?: unknown; readonly error?: string };

/** @throws when the outcome is an error */
export function takeValue<T>({ value, error }: Outcome): T {
  if (error !== undefined) throw new Error(error);
  return value as T;
}

/** Serves an empty page at the origin, in the guest. */
export async function servePage(guest: Guest): Promise<void> {
  await guest.ok(
    `mkdir -p /tmp/page && echo '<!doctype html><title>Latchkey</title>' > /tmp/page/index.html
    /usr/bin/python3 -m http.server 80 --bind 127.0.0.1 --directory /tmp/page > /tmp/page.log 2>&1 &
    for _ in $(seq 100); do
      busybox wget -q -O /dev/null http://127.0.0.1/ && exit 0
      sleep 0.1
    done
    cat /tmp/page.log; exit 1`,
    { timeoutMs: 60_000 },
  );
}

/** Waits for one connection from the guest while `start`, told the port, makes somebody there open it. */
export async function acceptConnection(start: (port: number) => Promise<unknown>): Promise<Socket> {
  const server = createServer();
  const connection = new Promise<Socket>((resolve, reject) => {
    server.once("connection", resolve);
    server.once("error", reject);
    server.listen(0, "127.0.0.1");
  });
  await new Promise<void>((resolve) => server.once("listening", resolve));
  const address = server.address();
  const timer = setTimeout(() => server.emit("error", new Error("the browser did not come up")), LAUNCH_TIMEOUT_MS);
  try {
    await start(typeof address === "object" && address !== null ? address.port : 0);
    return await connection;
  } finally {
    clearTimeout(timer);
    server.close();
  }
}

/** Requests under way by their number; each is settled once, or fails with the connection. */
export class PendingReplies {
  readonly #waiting = new Map<number, { resolve(reply: unknown): void; reject(error: Error): void }>();
  #nextId = 1;

  constructor(socket: Socket) {
    socket.on("error", () => {}); // `close` follows
    socket.on("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the browser hung up"));
      this.#waiting.clear();
    });
  }

  /** Sends by `send`, which is told the number. @throws after `timeoutMs` */
  request(what: string, send: (id: number) => void, timeoutMs: number): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`no answer to ${what} within ${timeoutMs} ms`));
      }, timeoutMs);
      const settle =
        <T>(finish: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          finish(value);
        };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      send(id);
    });
  }

  settle(id: number, reply: unknown, error?: Error): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error !== undefined) waiting?.reject(error);
    else waiting?.resolve(reply);
  }
}
