/**
 * Chromium in the guest, by the Chrome DevTools Protocol over its debugging pipe: JSON messages, each ended by a zero byte.
 * https://chromedevtools.github.io/devtools-protocol/ (Target, Page, Runtime)
 */
import type { Socket } from "node:net";
import {
  acceptConnection,
  type Browser,
  CALL_TIMEOUT_MS,
  LAUNCH_TIMEOUT_MS,
  type Outcome,
  origin,
  PendingReplies,
  settledCall,
  takeValue,
} from "./browser.ts";
import { type Guest, guestRepository, hostAddress } from "./guest.ts";

const guestFiles = `${guestRepository}/test/vm/guest`;

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

class DevTools {
  readonly #socket: Socket;
  readonly #replies: PendingReplies;
  #received = "";

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#replies = new PendingReplies(socket);
    socket.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
  }

  async send<T>(method: string, params: object, options: { sessionId?: string; timeoutMs?: number } = {}): Promise<T> {
    const { sessionId, timeoutMs = CALL_TIMEOUT_MS } = options;
    const send = (id: number) => this.#socket.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return (await this.#replies.request(method, send, timeoutMs)) as T;
  }

  #receive(text: string): void {
    const messages = (this.#received + text).split("\0");
    this.#received = messages.pop() ?? "";
    for (const message of messages) {
      const { id, result, error }: Message = JSON.parse(message);
      if (id !== undefined) this.#replies.settle(id, result, error && new Error(error.message)); // the rest are events
    }
  }
}

const flags = [
  "--remote-debugging-pipe",
  "--user-data-dir=/tmp/chromium",
  "--window-position=0,0",
  "--window-size=800,600",
  "--no-sandbox", // it runs as root
  "--disable-gpu",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-extensions",
  "--disable-sync",
];

export interface Chromium extends Browser {
  /** Waits for the next dialog of the browser itself, types `text` into it, if any, and confirms it. @throws when none comes within a minute */
  answerDialog(text?: string): Promise<void>;
}

/**
 * Starts Chromium with a profile of its own, on a screen that nobody sees: headless it would have no dialogs to type a PIN into. Opens the page.
 * @throws with the end of its log
 */
export async function launchChromium(guest: Guest): Promise<Chromium> {
  try {
    const socket = await acceptConnection((port) =>
      guest.ok(
        `mkdir -p /tmp/screen
        Xvfb :1 -screen 0 800x600x24 -fbdir /tmp/screen -nolisten tcp > /tmp/xvfb.log 2>&1 &
        for _ in $(seq 100); do test -e /tmp/.X11-unix/X1 && break; sleep 0.1; done
        DISPLAY=:1 /usr/bin/python3 ${guestFiles}/dial.py ${hostAddress} ${port} \\
          chromium ${flags.join(" ")} about:blank > /tmp/chromium.log 2>&1 &`,
        { timeoutMs: 60_000 },
      ),
    );
    const page = await openPage(new DevTools(socket));
    return { ...page, answerDialog: (text = "") => answerDialog(guest, text) };
  } catch (error) {
    const log = await guest.ok("tail -n 30 /tmp/xvfb.log /tmp/chromium.log");
    throw new Error(`${(error as Error).message}\n${log}`);
  }
}

async function answerDialog(guest: Guest, text: string): Promise<void> {
  await guest.ok(`/usr/bin/python3 ${guestFiles}/dialog.py ${text}`, { timeoutMs: 90_000 });
}

async function openPage(devTools: DevTools): Promise<Browser> {
  const sessionId = await attachToPage(devTools);
  const page = {
    async call<T>(body: string, argument: unknown): Promise<T> {
      const { result } = await devTools.send<{ result: { value: Outcome } }>(
        "Runtime.evaluate",
        { expression: settledCall(body, argument), awaitPromise: true, returnByValue: true },
        { sessionId },
      );
      return takeValue<T>(result.value);
    },
  };
  await devTools.send("Page.navigate", { url: `${origin}/` }, { sessionId, timeoutMs: LAUNCH_TIMEOUT_MS });
  await poll("the page", async () => {
    // A call that the change of pages cuts short is as good as one that comes too early.
    const state = await page.call<string>("return [origin, document.readyState].join()", null).catch(() => "");
    return state === `${origin},complete` ? true : undefined;
  });
  return page;
}

/** Waits for the first tab. @returns the session of what is sent to it */
async function attachToPage(devTools: DevTools): Promise<string> {
  const timeoutMs = LAUNCH_TIMEOUT_MS;
  const targetId = await poll("a tab", async () => {
    const { targetInfos } = await devTools.send<Targets>("Target.getTargets", {}, { timeoutMs });
    return targetInfos.find(({ type }) => type === "page")?.targetId;
  });
  const target = { targetId, flatten: true };
  const attached = await devTools.send<{ sessionId: string }>("Target.attachToTarget", target, { timeoutMs });
  return attached.sessionId;
}

interface Targets {
  readonly targetInfos: readonly { readonly targetId: string; readonly type: string }[];
}

async function poll<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + LAUNCH_TIMEOUT_MS; Date.now() < end; ) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${what} did not come up`);
}
