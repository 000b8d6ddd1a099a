/**
 * Firefox in the guest, by Marionette's protocol: messages of JSON, each behind its length and a colon; [0, id, command, parameters] is
 * answered by [1, id, error, result]. https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
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

/** Starts Firefox without a screen, with a profile of its own, and opens the page. @throws with the end of its log */
export async function launchFirefox(guest: Guest): Promise<Browser> {
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  try {
    const socket = await acceptConnection((port) =>
      guest.ok(
        `mkdir -p /tmp/firefox/profile
        cat > /tmp/firefox/profile/user.js
        HOME=/tmp/firefox MOZ_DISABLE_AUTO_SAFE_MODE=1 firefox-esr --headless --marionette --no-remote \\
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

async function openPage(marionette: Marionette): Promise<Browser> {
  await marionette.send("WebDriver:NewSession", {}, LAUNCH_TIMEOUT_MS);
  await marionette.send("WebDriver:SetTimeouts", { script: CALL_TIMEOUT_MS, pageLoad: LAUNCH_TIMEOUT_MS });
  await marionette.send("WebDriver:Navigate", { url: `${origin}/` }, LAUNCH_TIMEOUT_MS);
  return {
    async call<T>(body: string, argument: unknown): Promise<T> {
      const script = `const done = arguments[0]; ${settledCall(body, argument)}.then((outcome) => done(JSON.stringify(outcome)));`;
      const { value } = await marionette.send<{ value: string }>("WebDriver:ExecuteAsyncScript", { script, args: [] });
      return takeValue<T>(JSON.parse(value) as Outcome);
    },
  };
}
