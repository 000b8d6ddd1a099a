// `latchkey identity`: what a key shows of itself, and which of its applications are on; on a key that runs or on the
// store of one that does not.
import type { ConfigureRequest, KeyIdentity } from "../control/identity-messages.ts";
import { type KeyOptions, withKey } from "./choose-key.ts";
import type { Surroundings } from "./open-store.ts";
import type { Print } from "./output.ts";

export interface IdentityOptions extends KeyOptions, ConfigureRequest {
  readonly json: boolean;
}

/** Shows it, after what was asked to be changed has been. Throws Failure, KeyStoreError or Refusal. */
export function identity(options: IdentityOptions, around: Surroundings, print: Print): Promise<void> {
  const { enable = [], disable = [], reset = false } = options;
  return withKey(options, around, async (key) => {
    const isChange = enable.length > 0 || disable.length > 0 || reset;
    const shown = isChange ? await key.identity.configure({ enable, disable, reset }) : await key.identity.show();
    if (options.json) print(JSON.stringify(shown));
    else for (const line of describeIdentity(shown)) print(line);
  });
}

function describeIdentity(key: KeyIdentity): string[] {
  const lines = [
    `Key ${key.serial}, identity ${key.identity}, USB id ${key.usbId}`,
    `  name: ${key.manufacturer} ${key.product}`,
    `  smart card: ${key.readerName === null ? "no reader" : `reader "${key.readerName}"`}, serial number ${key.cardSerialNumber}`,
    `  versions: ${key.fidoVersion}, smart cards as firmware ${key.firmwareVersion}`,
    `  interfaces: ${key.interfaces.join(", ")}`,
    `  applications: ${key.applications.map(describeApplication).join(", ")}`,
  ];
  if (key.locked) lines.push("  a lock code keeps programs from changing which applications are on");
  if (key.applications.some(({ enabled, active }) => enabled !== active)) {
    lines.push("  What was changed takes effect when the key is next plugged in.");
  }
  return lines;
}

function describeApplication({ name, enabled }: KeyIdentity["applications"][number]): string {
  return enabled ? name : `${name} (off)`;
}
