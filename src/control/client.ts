// The client of a control socket: one HTTP request for each question, and a stream of lines for `watch`.
import { request as httpRequest, type IncomingMessage } from "node:http";
import type {
  Administration,
  CardAnswer,
  KeyStatus,
  PowerCycleAnswer,
  TouchAnswer,
  TouchRequest,
  WatchLine,
} from "./messages.ts";
import { isRefusalCode, NotRunning, Refusal } from "./refusal.ts";

/** The name under which the server is asked; any other might be a browser's. */
export const HOST = "latchkey";

const ANSWER_MS = 5_000;
/** What goes to the disk may have to wait for it. */
const SLOW_ANSWER_MS = 60_000;
const MAX_ANSWER = 64 * 1024 * 1024;

export class ControlClient {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  status(): Promise<KeyStatus> {
    return this.#ask<KeyStatus>("GET", "status", undefined, ANSWER_MS);
  }

  touch(request: TouchRequest): Promise<TouchAnswer> {
    return this.#ask<TouchAnswer>("POST", "touch", request, ANSWER_MS + (request.waitMs ?? 0));
  }

  powerCycle(): Promise<PowerCycleAnswer> {
    return this.#ask<PowerCycleAnswer>("POST", "power-cycle", {}, ANSWER_MS);
  }

  moveCard(where: CardAnswer["card"]): Promise<CardAnswer> {
    return this.#ask<CardAnswer>("POST", where === "in" ? "card/insert" : "card/eject", {}, ANSWER_MS);
  }

  /** Calls `tell` for each line; resolves when the key ends, or `signal` aborts. Rejects with NotRunning and Refusal. */
  async watch(tell: (line: WatchLine) => void, signal?: AbortSignal): Promise<void> {
    let partial = "";
    try {
      const response = await this.#open("GET", "watch", undefined, 0, signal);
      if (response.statusCode !== 200) throw refusalOf(await readAll(response));
      response.setEncoding("utf8");
      for await (const text of response) {
        const lines = (partial + text).split("\n");
        partial = lines.pop() ?? "";
        for (const line of lines) tell(JSON.parse(line) as WatchLine);
      }
    } catch (error) {
      // A key that ends with a watcher connected cuts it off.
      if (signal?.aborted !== true && !hasCode(error, "ECONNRESET")) throw error;
    }
  }

  /** The same that the process with the store can do, done there. */
  get administration(): Administration {
    const ask = <T>(route: string, body: object, signal?: AbortSignal) =>
      this.#ask<T>("POST", route, body, SLOW_ANSWER_MS, signal);
    const act = async (route: string, body: object) => void (await ask<unknown>(route, body));
    return {
      fido: {
        info: () => ask("fido/info", {}),
        listCredentials: (pin) => ask("fido/credentials", { pin }),
        deleteCredential: (id, pin) => ask("fido/delete", { id, pin }),
        setPin: (newPin) => act("fido/set-pin", { newPin }),
        changePin: (pin, newPin) => act("fido/change-pin", { pin, newPin }),
        reset: () => act("fido/reset", {}),
        metadata: () => ask("metadata", {}),
      },
      attestation: {
        show: () => ask("attestation/show", {}),
        create: (request) => ask("attestation/create", request),
        remove: () => act("attestation/remove", {}),
      },
      identity: {
        show: () => ask("identity/show", {}),
        configure: (request) => ask("identity/configure", request),
      },
      oath: {
        list: () => ask("oath/list", {}),
        add: (request) => ask("oath/add", request),
        code: (name, signal) => ask("oath/code", { name }, signal),
        delete: (name) => ask("oath/delete", { name }),
        reset: () => act("oath/reset", {}),
      },
      openpgp: {
        info: () => ask("openpgp/info", {}),
        setTouch: (request) => ask("openpgp/set-touch", request),
        reset: () => act("openpgp/reset", {}),
      },
      otp: {
        info: () => ask("otp/info", {}),
        set: (request) => ask("otp/set", request),
        delete: (slot) => act("otp/delete", { slot }),
        swap: () => ask("otp/swap", {}),
      },
      piv: {
        info: () => ask("piv/info", {}),
        reset: () => act("piv/reset", {}),
      },
    };
  }

  async #ask<T>(
    method: "GET" | "POST",
    route: string,
    body: object | undefined,
    timeout: number,
    signal?: AbortSignal,
  ): Promise<T> {
    const response = await this.#open(method, route, body, timeout, signal);
    const answer = await readAll(response);
    if (response.statusCode !== 200) throw refusalOf(answer);
    return JSON.parse(answer) as T;
  }

  #open(
    method: "GET" | "POST",
    route: string,
    body: object | undefined,
    timeout: number,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { path: socketPath } = this;
    const headers = { host: HOST, ...(body === undefined ? {} : { "content-type": "application/json" }) };
    return new Promise((resolve, reject) => {
      const options = { socketPath, path: `/v1/${route}`, method, headers, agent: false, timeout, ...signalOf(signal) };
      const request = httpRequest(options, resolve);
      request.on("timeout", () => request.destroy(new NotRunning(`The key at ${socketPath} does not answer.`, false)));
      request.on("error", (error) => reject(asNotRunning(error, socketPath)));
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/** Whether somebody listens at the path, whoever it is and whatever they would answer. */
export async function isAnswered(path: string): Promise<boolean> {
  try {
    await new ControlClient(path).status();
    return true;
  } catch (error) {
    return !(error instanceof NotRunning && error.isGone);
  }
}

function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function isNobody(error: unknown): boolean {
  return hasCode(error, "ECONNREFUSED") || hasCode(error, "ENOENT");
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function asNotRunning(error: Error, path: string): Error {
  if (error instanceof NotRunning) return error;
  const isGone = isNobody(error);
  const message = isGone
    ? `No key is running at ${path}: start one with "latchkey serve".`
    : `The key at ${path} cannot be talked to (${"code" in error ? String(error.code) : error.message}).`;
  return new NotRunning(message, isGone, { cause: error });
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    text += chunk;
    if (text.length > MAX_ANSWER) throw new Refusal("failed", "The key's answer is too long.");
  }
  return text;
}

function refusalOf(answer: string): Refusal {
  try {
    const { error } = JSON.parse(answer) as { error?: { code?: unknown; message?: unknown } };
    if (isRefusalCode(error?.code) && typeof error.message === "string") return new Refusal(error.code, error.message);
  } catch (cause) {
    return new Refusal("failed", "What answers at the control socket is not a key.", { cause });
  }
  return new Refusal("failed", "What answers at the control socket is not a key.");
}
