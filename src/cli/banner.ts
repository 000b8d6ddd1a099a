// What `latchkey serve` says when it starts: where it listens, what it keeps, who gives the touches, and the exact
// commands that attach it. `Listening on HOST:PORT` is a line that programs wait for and read the port from.

import type { UsbId } from "../identity.ts";
import { formatUsbId } from "../identity.ts";
import type { TouchMode } from "../presence/mode.ts";
import { USBIP_PORT } from "../usbip/protocol.ts";
import { formatRemote, type Remote } from "./options.ts";

export interface BannerFacts {
  readonly version: string;
  readonly usbId: UsbId;
  readonly busid: string;
  /** Where the server listens, with the port that it got. */
  readonly address: Remote;
  /** The store's file; undefined with --ephemeral. */
  readonly state: string | undefined;
  /** What else there is to know of the store, as sentences. */
  readonly notes: readonly string[];
  readonly touch: TouchMode;
  /** Whether --touch was given. */
  readonly touchChosen: boolean;
  /** Whether a person sits at the terminal that it was started from. */
  readonly isTerminal: boolean;
  /** The control socket, and whether --control was given. */
  readonly control: string;
  readonly controlChosen: boolean;
  /** How a shell starts this program: "node dist/src/cli.js". */
  readonly program: string;
}

/** Lines for people and, the second of them, for programs. */
export function bannerLines(facts: BannerFacts): string[] {
  const { address, busid, program } = facts;
  const lines = [
    `Latchkey ${facts.version}: a security key, USB id ${formatUsbId(facts.usbId)}`,
    `Listening on ${formatRemote(address)}`,
    facts.state === undefined
      ? "State: in memory (--ephemeral); every credential is gone when this program ends."
      : `State: ${facts.state}, encrypted.`,
    ...facts.notes,
    `Touch: ${touchLine(facts)}`,
    `Control: ${facts.control}`,
  ];
  if (!isLoopback(address.host)) {
    lines.push(
      `Warning: USB/IP is neither encrypted nor authenticated; whoever reaches ${formatRemote(address)} can use this key.`,
    );
  }
  const host = reachable(address.host);
  const port = address.port === USBIP_PORT ? "" : ` --port ${address.port}`;
  const remote = host === "127.0.0.1" ? "" : ` --remote ${host}`;
  const tcpPort = address.port === USBIP_PORT ? "" : ` --tcp-port ${address.port}`;
  lines.push(
    "Attach it to a Linux kernel with either of",
    `  sudo ${program} attach${remote}${port}`,
    `  sudo modprobe vhci-hcd; sudo usbip${tcpPort} attach -r ${host} -b ${busid}`,
    "Ctrl-C unplugs it and ends.",
  );
  return lines;
}

function touchLine({ touch, touchChosen, isTerminal, program, control, controlChosen }: BannerFacts): string {
  if (touch === "ask") {
    const command = `${program} touch${controlChosen ? ` --control ${control}` : ""}`;
    const here = isTerminal ? "Enter grants here, n denies; elsewhere " : "";
    return `ask; ${here}"${command}" grants, with --deny it denies.`;
  }
  if (touch === "auto") {
    const why = touchChosen ? "" : ", because there is no terminal to ask at and the key is ephemeral";
    return `auto; every request is granted unseen${why}.`;
  }
  const ways = '(--touch ask waits for "latchkey touch", --touch auto grants)';
  const why = touchChosen ? "" : `, because there is no terminal to ask at ${ways}`;
  return `deny; every request is denied${why}.`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The address that a client on this machine connects to. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "localhost") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
