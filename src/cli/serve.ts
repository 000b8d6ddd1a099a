// `latchkey serve`: one security key, offered over USB/IP and talked to over its control socket until somebody says stop.
import { realpathSync } from "node:fs";
import { namesOfCapabilities } from "../../applets/management/capability.ts";
import type { KeyStore } from "../../keystore/index.ts";
import { MemoryKeyStore } from "../../keystore/memory-keystore.ts";
import { VpcdClient } from "../ccid/vpcd.ts";
import { KeyEvents } from "../control/events.ts";
import { administer } from "../control/local-administration.ts";
import type { KeyStatus, PowerCycleAnswer } from "../control/messages.ts";
import type { ControlledKey } from "../control/route.ts";
import { findRunningKeys } from "../control/running-keys.ts";
import { ControlServer } from "../control/server.ts";
import { newControlPath } from "../control/socket-location.ts";
import { asWaitingTouch } from "../control/touch.ts";
import { formatUsbId, type IdentityName, type UsbId, usbIdOf } from "../identity.ts";
import { createLogger, type Logger, type LogLevel } from "../log.ts";
import { defaultTouchMode, type TouchMode } from "../presence/mode.ts";
import { createSecurityKey, type SecurityKey } from "../security-key.ts";
import type { ExportedDevice } from "../usbip/exported-device.ts";
import { UsbIpServer } from "../usbip/server.ts";
import { bannerLines } from "./banner.ts";
import type { Console } from "./console.ts";
import { Failure, listenFailure } from "./failure.ts";
import { type FeatureOptions, fido2Features } from "./features.ts";
import { openPresence } from "./open-presence.ts";
import { openOrCreateStore, type StoreOptions, type Surroundings } from "./open-store.ts";
import type { Remote } from "./options.ts";
import { packageVersion, programCommand } from "./program.ts";

export interface ServeOptions extends StoreOptions, FeatureOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly ephemeral: boolean;
  readonly touch?: TouchMode;
  readonly identity?: IdentityName;
  /** In place of the identity's. */
  readonly usbId?: UsbId;
  /** Where vsmartcard's driver listens, when the card is to be in its reader. */
  readonly vpcd?: Remote;
  /** Have the keyboard even while neither OTP slot is configured. */
  readonly keyboard?: boolean;
  readonly logLevel: LogLevel;
  /** The control socket; a new one in the user's own directory unless given. */
  readonly control?: string;
}

export interface Serving {
  readonly address: Remote;
  /** The control socket. */
  readonly control: string;
  /** Unplugs the key from whatever host has it, and lets go of the port, the socket and the store. */
  close(): Promise<void>;
}

/** Starts, and prints the banner. Throws Failure, KeyStoreError or Refusal. */
export async function serve(options: ServeOptions, console: Console, around: Surroundings): Promise<Serving> {
  const { host, port, ephemeral } = options;
  const log = createLogger(options.logLevel, (line) => console.errors.write(`${line}\n`));
  const touch = options.touch ?? defaultTouchMode(console.isTerminal, ephemeral);
  if (options.uv === "ask" && touch !== "ask") {
    throw new Failure(
      `With --touch ${touch} nobody can be asked: --uv ask needs --touch ask; for tests there is --uv auto.`,
    );
  }
  const { store, notes } = await openState(options, around);
  const events = new KeyEvents();
  const { presence, pending, stopAsking } = openPresence(touch, console, log, events);
  const server = new UsbIpServer({
    log,
    onAttach: ({ busid }, peer) => {
      log.info(`${peer} attached ${busid}`);
      events.tell({ event: "attached", busid, peer });
    },
    onDetach: ({ busid }, peer) => {
      log.info(`${peer} detached ${busid}`);
      events.tell({ event: "detached", busid, peer });
    },
  });
  let control: ControlServer | undefined;
  let vpcd: VpcdClient | undefined;
  const close = async () => {
    stopAsking();
    presence.reset();
    vpcd?.close();
    await control?.close();
    await server.close();
    await store.close();
  };
  try {
    const key = await createSecurityKey({
      store,
      presence,
      log,
      fido2: fido2Features(options),
      ...(options.identity !== undefined && { identity: options.identity }),
      ...(options.usbId !== undefined && { usbId: options.usbId }),
      ...(options.keyboard !== undefined && { keyboard: options.keyboard }),
    });
    const exported = server.export(key);
    const listening = await server.listen({ host, port }).catch((error: unknown) => {
      throw listenFailure(error, host, port);
    });
    const address = { host: listening.address, port: listening.port };
    const state = ephemeral ? undefined : options.store;
    const status = (): KeyStatus => ({
      version: packageVersion(),
      pid: process.pid,
      serial: key.serialNumber,
      usbId: formatUsbId(usbIdOf(key.descriptor)),
      identity: key.identity.name,
      applications: namesOfCapabilities(key.enabled),
      busid: exported.busid,
      address,
      store: state === undefined ? null : realpathSync(state),
      touch,
      uv: options.uv ?? "off",
      attachedTo: exported.importedBy ?? null,
      card: key.slot.isPresent ? "in" : "out",
      waiting: (pending?.waiting ?? []).map(asWaitingTouch),
    });
    const powerCycle = () => cyclePower(server, exported, key, log);
    const controlled: ControlledKey = {
      status,
      events,
      pending,
      get hasKeyboard() {
        return key.hasKeyboard;
      },
      pressTouch: (long) => key.pressTouch(long),
      powerCycle,
      moveCard: (where) => ({ card: where, moved: key.slot.move(where) }),
      administration: administer(key),
    };
    control = new ControlServer(controlled, log);
    const controlPath = options.control ?? newControlPath(around.env, address.port);
    await control.listen(controlPath);
    // Those that were killed left their sockets behind.
    if (options.control === undefined) findRunningKeys(around.env).catch(() => {});
    const facts = {
      version: packageVersion(),
      usbId: usbIdOf(key.descriptor),
      busid: exported.busid,
      address,
      state,
      notes: [...notes, ...identityNotes(key), ...(key.hasKeyboard ? [KEYBOARD_NOTE] : [])],
      touch,
    };
    const lines = bannerLines({
      ...facts,
      touchChosen: options.touch !== undefined,
      isTerminal: console.isTerminal,
      control: controlPath,
      controlChosen: options.control !== undefined,
      program: programCommand(console.script),
    });
    console.output.write(`${lines.join("\n")}\n`);
    if (options.vpcd !== undefined) vpcd = new VpcdClient({ ...options.vpcd, slot: key.slot, log });
    return { address, control: controlPath, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const KEYBOARD_NOTE =
  'Keyboard: the key is one, too; "latchkey touch" types OTP slot 1 while nothing waits for a touch, with --long slot 2.';

/** What a person should know who starts a key under another name. */
function identityNotes({ identity }: SecurityKey): readonly string[] {
  return identity.name === "yubikey5" ? ["Identity: a YubiKey 5's names and numbers, for development."] : [];
}

/** As pulling the key out does, and plugging it in again where nobody had it. */
async function cyclePower(
  server: UsbIpServer,
  exported: ExportedDevice,
  key: SecurityKey,
  log: Logger,
): Promise<PowerCycleAnswer> {
  const detachedFrom = exported.importedBy ?? null;
  log.info("power cycle");
  if (detachedFrom === null) key.reset();
  else await server.detach(exported);
  return { detachedFrom };
}

async function openState(
  options: ServeOptions,
  around: Surroundings,
): Promise<{ store: KeyStore; notes: readonly string[] }> {
  return options.ephemeral ? { store: new MemoryKeyStore(), notes: [] } : openOrCreateStore(options, around);
}
