// `latchkey serve`: one security key, offered over USB/IP until somebody says stop.
import type { KeyStore } from "../../keystore/index.ts";
import { MemoryKeyStore } from "../../keystore/memory-keystore.ts";
import { createLogger, type Logger, type LogLevel } from "../log.ts";
import type { UserPresence } from "../platform.ts";
import { autoPresence } from "../presence/auto.ts";
import { denyPresence } from "../presence/deny.ts";
import { loggedPresence } from "../presence/logged.ts";
import { defaultTouchMode, type TouchMode } from "../presence/mode.ts";
import { PendingPresence } from "../presence/pending.ts";
import { answerAtTerminal } from "../presence/terminal.ts";
import { createSecurityKey } from "../security-key.ts";
import { UsbIpServer } from "../usbip/server.ts";
import { bannerLines } from "./banner.ts";
import { listenFailure } from "./failure.ts";
import { openOrCreateStore, type StoreOptions, type Surroundings } from "./open-store.ts";
import type { Remote, UsbId } from "./options.ts";
import { packageVersion, programCommand } from "./program.ts";

export interface ServeOptions extends StoreOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly ephemeral: boolean;
  readonly touch?: TouchMode;
  readonly usbId: UsbId;
  readonly logLevel: LogLevel;
}

/** The streams of the process, or a test's. */
export interface Console {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Prompts and the log. */
  readonly errors: NodeJS.WritableStream;
  /** Whether a person sits at `input` and `errors`. */
  readonly isTerminal: boolean;
  /** The script that runs, for the commands that the banner shows. */
  readonly script: string;
}

export interface Serving {
  readonly address: Remote;
  /** Unplugs the key from whatever host has it, and lets go of the port and the store. */
  close(): Promise<void>;
}

/** Starts, and prints the banner. Throws Failure. */
export async function serve(options: ServeOptions, console: Console, around: Surroundings): Promise<Serving> {
  const { host, port, ephemeral, usbId } = options;
  const log = createLogger(options.logLevel, (line) => console.errors.write(`${line}\n`));
  const touch = options.touch ?? defaultTouchMode(console.isTerminal, ephemeral);
  const { store, notes } = await openState(options, around);
  const { presence, stopAsking } = openPresence(touch, console, log);
  const server = new UsbIpServer({
    log,
    onAttach: ({ busid }, peer) => log.info(`${peer} attached ${busid}`),
    onDetach: ({ busid }, peer) => log.info(`${peer} detached ${busid}`),
  });
  const close = async () => {
    stopAsking();
    presence.reset();
    await server.close();
    await store.close();
  };
  try {
    const { busid } = server.export(await createSecurityKey({ store, presence, log, usbId }));
    const listening = await server.listen({ host, port }).catch((error: unknown) => {
      throw listenFailure(error, host, port);
    });
    const address = { host: listening.address, port: listening.port };
    const program = programCommand(console.script);
    const state = ephemeral ? undefined : options.store;
    const facts = { version: packageVersion(), usbId, busid, address, state, notes, touch, program };
    const lines = bannerLines({ ...facts, touchChosen: options.touch !== undefined });
    console.output.write(`${lines.join("\n")}\n`);
    return { address, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openState(
  options: ServeOptions,
  around: Surroundings,
): Promise<{ store: KeyStore; notes: readonly string[] }> {
  return options.ephemeral ? { store: new MemoryKeyStore(), notes: [] } : openOrCreateStore(options, around);
}

function openPresence(
  touch: TouchMode,
  { input, errors }: Console,
  log: Logger,
): { presence: UserPresence; stopAsking: () => void } {
  if (touch === "ask") {
    // The terminal shows each outcome itself.
    const presence = new PendingPresence();
    return { presence, stopAsking: answerAtTerminal(presence, { input, output: errors }) };
  }
  const presence = loggedPresence(touch === "auto" ? autoPresence : denyPresence, log);
  return { presence, stopAsking: () => {} };
}
