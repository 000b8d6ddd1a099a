// What people type after the commands' names, turned into values. commander shows the message of an
// InvalidArgumentError together with the option that it belongs to.
import { type Command, InvalidArgumentError } from "commander";
import { VPCD_PORT } from "../ccid/vpcd.ts";
import type { UsbId } from "../identity.ts";
import { isLogLevel, type LogLevel } from "../log.ts";
import { isTouchMode, type TouchMode } from "../presence/mode.ts";
import { USBIP_PORT } from "../usbip/protocol.ts";

/** The address of a USB/IP server. */
export interface Remote {
  readonly host: string;
  readonly port: number;
}

/** An empty path comes from a shell's variable that is not set, and would mean a file in the current folder. */
export function refuseEmptyPaths(command: Command): void {
  for (const option of command.options) {
    const isPath = /<(file|path)>/.test(option.flags);
    if (isPath && command.getOptionValue(option.attributeName()) === "") {
      command.error(`error: option '${option.flags}' has an empty value`);
    }
  }
}

function parseDecimal(text: string, max: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value <= max ? value : undefined;
}

/** The number of a waiting touch. */
export function parseTouchId(text: string): number {
  const id = parseDecimal(text, 999_999_999);
  if (id === undefined) throw new InvalidArgumentError('A touch has a number: "latchkey status" shows it.');
  return id;
}

/** How long to wait for a touch to be asked for. */
export function parseSeconds(text: string): number {
  const seconds = parseDecimal(text, 600);
  if (seconds === undefined) throw new InvalidArgumentError("It is a whole number of seconds, at most 600.");
  return seconds;
}

/** A TCP port to listen on; 0 lets the system choose. */
export function parseTcpPort(text: string): number {
  const port = parseDecimal(text, 0xffff);
  if (port === undefined) throw new InvalidArgumentError("A TCP port is a number from 0 to 65535.");
  return port;
}

/** A TCP port to connect to. */
export function parseRemotePort(text: string): number {
  const port = parseTcpPort(text);
  if (port === 0) throw new InvalidArgumentError("A TCP port to connect to is a number from 1 to 65535.");
  return port;
}

/** A port of the virtual USB hub, as `usbip port` numbers them. */
export function parseHubPort(text: string): number {
  const port = parseDecimal(text, 0xffff);
  if (port === undefined) throw new InvalidArgumentError("A port of the virtual hub is a number, such as 0.");
  return port;
}

/** VVVV:PPPP, both hexadecimal, as lsusb shows them. */
export function parseUsbId(text: string): UsbId {
  const match = /^([0-9a-f]{4}):([0-9a-f]{4})$/i.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new InvalidArgumentError("A USB id is two groups of four hexadecimal digits, such as 1209:0001.");
  }
  return { vendor: Number.parseInt(match[1], 16), product: Number.parseInt(match[2], 16) };
}

/** HOST, HOST:PORT, or an IPv6 address, which stands in brackets when a port follows. */
export function parseRemote(text: string): Remote {
  return parseAddress(text, USBIP_PORT);
}

/** The same for vsmartcard's driver, which listens on another port. */
export function parseVpcd(text: string): Remote {
  return parseAddress(text, VPCD_PORT);
}

function parseAddress(text: string, defaultPort: number): Remote {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d+))?$/.exec(text);
  if (match !== null) {
    return { host: match[1] ?? match[2] ?? "", port: match[3] === undefined ? defaultPort : parseRemotePort(match[3]) };
  }
  if (/^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.%\w]*$/i.test(text)) return { host: text, port: defaultPort };
  throw new InvalidArgumentError("A remote is HOST or HOST:PORT; an IPv6 address with a port stands in brackets.");
}

export function formatRemote({ host, port }: Remote): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The kernel's name for an exported device, at most 31 characters. */
export function parseBusid(text: string): string {
  if (!/^[0-9a-zA-Z][0-9a-zA-Z.-]{0,30}$/.test(text)) {
    throw new InvalidArgumentError('A busid looks like 1-1: "latchkey list" shows what is there.');
  }
  return text;
}

export function parseTouchMode(text: string): TouchMode {
  if (!isTouchMode(text)) throw new InvalidArgumentError("It is one of auto, ask and deny.");
  return text;
}

export function parseLogLevel(text: string): LogLevel {
  if (!isLogLevel(text)) throw new InvalidArgumentError("It is one of error, warn, info, debug and traffic.");
  return text;
}
