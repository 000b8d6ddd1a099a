// `latchkey detach`: unplugs devices that were attached to this machine's kernel over USB/IP, by whatever program.
import { Vhci, type VhciPort } from "../usbip/vhci.ts";
import { Failure } from "./failure.ts";
import type { Print } from "./output.ts";

export interface DetachOptions {
  /** The port of the virtual hub; without it the only one in use. */
  readonly port?: number;
  readonly all: boolean;
  readonly json: boolean;
}

/** Prints the ports that are free now. Throws Failure or VhciError. */
export async function detach(options: DetachOptions, print: Print, vhci = new Vhci()): Promise<void> {
  if (options.all && options.port !== undefined) throw new Failure("Give --port or --all, not both.");
  await vhci.open();
  const ports = options.port === undefined ? chosen(await vhci.ports(), options.all) : [options.port];
  for (const port of ports) await vhci.detach(port);
  if (options.json) print(JSON.stringify({ ports }));
  else if (ports.length === 0) print("Nothing is attached.");
  else for (const port of ports) print(`Detached port ${port}.`);
}

/** Without --all there must be one to mean; with it, none is fine. */
function chosen(ports: readonly VhciPort[], all: boolean): number[] {
  const used = ports.filter(({ state }) => state !== "free").map(({ port }) => port);
  if (all || used.length === 1) return used;
  if (used.length === 0) throw new Failure("Nothing is attached.");
  throw new Failure(`Ports ${used.join(", ")} are in use: say which with --port, or --all.`);
}
