// The control socket of a running key: HTTP with JSON over a Unix domain socket (a named pipe on Windows) for its owner.
// What is answered stands in routes.ts. Whoever may connect is the owner: the socket's mode is what protects it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "../log.ts";
import { HOST } from "./client.ts";
import { JsonMembers } from "./json-members.ts";
import { listenAt } from "./listen.ts";
import type { WatchLine } from "./messages.ts";
import { Refusal, RefusalCode } from "./refusal.ts";
import type { ControlledKey, Route } from "./route.ts";
import { orders, questions } from "./routes.ts";

/** The largest request is a PIN, or a list of relying parties. */
const MAX_BODY = 16 * 1024;
const MAX_CONNECTIONS = 64;
/** For the whole of a request, which Node looks at only every half minute unless told otherwise. */
const REQUEST_MS = 10_000;
const CHECK_INTERVAL_MS = 1_000;
/** What a watcher may leave unread before it is cut off. */
const MAX_UNREAD = 1024 * 1024;

/** Names under which people and programs ask; a browser that was led here would say another. */
const HOSTS: readonly (string | undefined)[] = [HOST, "localhost"];

const WATCH = "/v1/watch";

export class ControlServer {
  readonly #key: ControlledKey;
  readonly #log: Logger;
  readonly #server: Server;
  #removeSocket: () => void = () => {};

  constructor(key: ControlledKey, log: Logger) {
    this.#key = key;
    this.#log = log;
    const limits = {
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    };
    this.#server = createServer(limits, (request, response) => void this.#handle(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Rejects with Refusal when the socket cannot be had. */
  async listen(path: string): Promise<void> {
    this.#removeSocket = await listenAt(this.#server, path);
    this.#server.on("error", (error) => this.#log.error("control socket", error));
  }

  /** Ends every connection, watchers' too, and removes the socket. */
  async close(): Promise<void> {
    this.#removeSocket();
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    response.on("error", () => {});
    const path = request.url ?? "";
    try {
      requireNoBrowser(request);
      const route = findRoute(request.method, path);
      if (route === WATCH) {
        this.#watch(response, gone.signal);
        return;
      }
      const body = JsonMembers.parse(await readBody(request));
      const answer = await route(this.#key, body, gone.signal);
      respond(response, 200, answer ?? {});
      this.#log.debug(`control socket: ${request.method} ${path}`);
    } catch (error) {
      this.#refuse(request, response, error);
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const refusal = asRefusal(error);
    if (refusal === undefined) this.#log.error(`control socket: ${request.method}`, error);
    else this.#log.debug(`control socket: refused: ${refusal.code}`);
    const { code, message } = refusal ?? new Refusal("failed", "Something went wrong in the key: its log says what.");
    if (response.headersSent) response.destroy();
    else respond(response, RefusalCode[code], { error: { code, message } });
    // What is left of the request is not read.
    if (!request.complete) response.once("finish", () => request.destroy());
  }

  #watch(response: ServerResponse, gone: AbortSignal): void {
    response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
    const tell = (line: Untimed<WatchLine>) => {
      if (response.writableLength > MAX_UNREAD) response.destroy();
      else response.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);
    };
    tell({ event: "watching", status: this.#key.status() });
    const stop = this.#key.events.subscribe(tell);
    gone.addEventListener("abort", stop, { once: true });
    if (gone.aborted) stop();
  }
}

type Untimed<T> = T extends unknown ? Omit<T, "time"> : never;

/**
 * No page in a browser can open this socket; should something forward it to one, then these give the page away.
 * Fetch Standard §3.1 (Origin), Fetch Metadata §2
 */
function requireNoBrowser({ headers }: IncomingMessage): void {
  const foreign = ["origin", "referer", "sec-fetch-site", "sec-fetch-mode", "cookie"].some((name) => name in headers);
  if (foreign || !HOSTS.includes(headers.host)) {
    throw new Refusal("forbidden", "The control socket is not for browsers: only Host: latchkey is answered.");
  }
}

function findRoute(method: string | undefined, path: string): Route | typeof WATCH {
  const asked = method === "GET" ? questions.get(path) : method === "POST" ? orders.get(path) : undefined;
  if (asked !== undefined) return asked;
  if (path === WATCH && method === "GET") return WATCH;
  if (path === WATCH || questions.has(path) || orders.has(path)) {
    throw new Refusal("method-not-allowed", "What asks is a GET, what changes or needs a PIN is a POST.");
  }
  throw new Refusal("not-found", "The control socket has nothing by that name.");
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  if (request.method === "POST" && request.headers["content-type"] !== "application/json") {
    throw new Refusal("bad-request", "A POST has Content-Type: application/json.");
  }
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_BODY) throw new Refusal("too-large", `A request has at most ${MAX_BODY} bytes.`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal("bad-request", "The request ended before it was whole.", { cause: error });
  }
  const body = Buffer.concat(chunks);
  for (const chunk of chunks) chunk.fill(0);
  return body;
}

function respond(response: ServerResponse, status: number, answer: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", connection: "close" });
  response.end(`${JSON.stringify(answer)}\n`);
}

/** A store that is full says so in a sentence of its own; what else is thrown is our fault. */
function asRefusal(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof Error && error.name === "KeyStoreError") return new Refusal("failed", error.message);
  return undefined;
}
