/**
 * Firefox in the guest, by Marionette's protocol: messages of JSON, each behind its length and a colon; [0, id, command, parameters] is
 * answered by [1, id, error, result]. https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
 */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
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

type Reply = readonly [type: number, id: number, error: { readonly message: string } | null, result: unknown];

class Marionette {
  readonly #socket: Socket;
  readonly #replies: PendingReplies;
  #received = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#replies = new PendingReplies(socket);
    socket.on("data", (data: Buffer) => this.#receive(data));
  }

  async send<T>(command: string, parameters: object, timeoutMs = CALL_TIMEOUT_MS): Promise<T> {
    const send = (id: number) => {
      const message = Buffer.from(JSON.stringify([0, id, command, parameters]));
      this.#socket.write(Buffer.concat([Buffer.from(`${message.length}:`), message]));
    };
    return (await this.#replies.request(command, send, timeoutMs)) as T;
  }

  #receive(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const colon = this.#received.indexOf(":");
      if (colon < 0) return;
      const end = colon + 1 + Number(this.#received.toString("latin1", 0, colon));
      if (this.#received.length < end) return;
      const message: unknown = JSON.parse(this.#received.toString("utf8", colon + 1, end));
      this.#received = this.#received.subarray(end);
      if (!Array.isArray(message)) continue; // the greeting
      const [, id, error, result] = message as unknown as Reply;
      this.#replies.settle(id, result, error === null ? undefined : new Error(error.message));
    }
  }
}

const MARIONETTE_PORT = 2828;

/** Only keys on USB; attestation without a question to the person; nothing that wants the network. */
const preferences = {
  "security.webauth.webauthn_enable_usbtoken": true,
  "security.webauth.webauthn_enable_softtoken": false,
  "security.webauthn.always_allow_direct_attestation": true,
  "marionette.port": MARIONETTE_PORT,
  "datareporting.policy.dataSubmissionEnabled": false,
  "app.update.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.page": 0,
  "browser.aboutwelcome.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
} as const;

export interface Firefox extends Browser {
  /** Types `pin` into the next question for one, and confirms it. To be called before what leads to the question. */
  typePinWhenAsked(pin: string): Promise<void>;
}

/** Starts Firefox without a screen, with a profile of its own, and opens the page. @throws with the end of its log */
export async function launchFirefox(guest: Guest): Promise<Firefox> {
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  try {
    const socket = await acceptConnection((port) =>
      guest.ok(
        `mkdir -p /tmp/firefox/profile
        cat > /tmp/firefox/profile/user.js
        HOME=/tmp/firefox MOZ_DISABLE_AUTO_SAFE_MODE=1 firefox-esr --headless --marionette --remote-allow-system-access --no-remote \\
          --profile /tmp/firefox/profile about:blank > /tmp/firefox/log 2>&1 &
        /usr/bin/python3 ${guestRepository}/test/vm/guest/relay.py ${MARIONETTE_PORT} ${hostAddress} ${port} > /tmp/firefox/relay.log 2>&1 &`,
        { input: `${lines.join("\n")}\n` },
      ),
    );
    return await openPage(new Marionette(socket));
  } catch (error) {
    const log = await guest.ok("tail -n 30 /tmp/firefox/log /tmp/firefox/relay.log");
    throw new Error(`${(error as Error).message}\n${log}`);
  }
}

/**
 * A script of the browser's own window: the next question for a PIN is answered as a hand would, once it stands ready. Answered
 * earlier, while it is in the window but not drawn yet, it counts as cancelled now and then (measured: a third of the tries on a busy machine).
 */
const awaitPinQuestion = `
  const [pin, done] = arguments;
  const ready = "common-dialog-loaded";
  if (window.answerPinQuestion) Services.obs.removeObserver(window.answerPinQuestion, ready);
  window.answerPinQuestion = (question) => {
    Services.obs.removeObserver(window.answerPinQuestion, ready);
    window.answerPinQuestion = undefined;
    question.document.getElementById("password1Textbox").value = pin;
    question.document.getElementById("commonDialog").acceptDialog();
  };
  Services.obs.addObserver(window.answerPinQuestion, ready);
  done();`;

async function openPage(marionette: Marionette): Promise<Firefox> {
  const capabilities = { alwaysMatch: { unhandledPromptBehavior: "ignore" } };
  await marionette.send("WebDriver:NewSession", { capabilities }, LAUNCH_TIMEOUT_MS);
  await marionette.send("WebDriver:SetTimeouts", { script: CALL_TIMEOUT_MS, pageLoad: LAUNCH_TIMEOUT_MS });
  await marionette.send("WebDriver:Navigate", { url: `${origin}/` }, LAUNCH_TIMEOUT_MS);
  /** Both messages leave at once: a script runs in the context that was set last before it. */
  async function execute(
    context: "content" | "chrome",
    script: string,
    args: readonly unknown[] = [],
  ): Promise<string | null> {
    const [, { value }] = await Promise.all([
      marionette.send("Marionette:SetContext", { value: context }),
      marionette.send<{ value: string | null }>("WebDriver:ExecuteAsyncScript", { script, args }),
    ]);
    return value;
  }

  /** What a call has left in the page; null while it goes on. */
  async function outcomeInPage(): Promise<string | null> {
    const script = 'arguments[0](document.documentElement.getAttribute("data-outcome"));';
    return execute("content", script).catch((error: Error) => {
      if (/dialog detected/.test(error.message)) return null; // Firefox asks somebody something
      throw error;
    });
  }

  return {
    // A question of Firefox's own ends a script that waits, and its result is lost: the outcome is left in the page and fetched.
    async call<T>(body: string, argument: unknown): Promise<T> {
      const call = settledCall(body, argument);
      const root = "document.documentElement";
      const leave = `${root}.removeAttribute("data-outcome");
        ${call}.then((outcome) => ${root}.setAttribute("data-outcome", JSON.stringify(outcome))); arguments[0]();`;
      await execute("content", leave);
      for (const end = Date.now() + CALL_TIMEOUT_MS; Date.now() < end; await sleep(100)) {
        const outcome = await outcomeInPage();
        if (outcome !== null) return takeValue<T>(JSON.parse(outcome) as Outcome);
      }
      throw new Error(`no outcome in the page within ${CALL_TIMEOUT_MS} ms`);
    },
    async typePinWhenAsked(pin: string): Promise<void> {
      await execute("chrome", awaitPinQuestion, [pin]);
    },
  };
}
