// What a key shows of itself, and which of its applications are on, for its owner: who could as well delete the store,
// and so needs no lock code.
import { CAPABILITY_NAMES, namesOfCapabilities } from "../../applets/management/capability.ts";
import type { Management } from "../../applets/management/management.ts";
import type { FunctionName } from "../composition.ts";
import { formatUsbId, type Identity, usbIdOf } from "../identity.ts";
import type { Platform } from "../platform.ts";
import type { ConfigureRequest, IdentityOwner, KeyIdentity } from "./identity-messages.ts";
import { Refusal } from "./refusal.ts";

/** SecurityKey is one. */
export interface IdentifiedKey {
  readonly serialNumber: string;
  readonly identity: Identity;
  readonly descriptor: { readonly idVendor: number; readonly idProduct: number };
  /** Since the last power-up: the USB functions, and the applications as `Capability` bits. */
  readonly functions: readonly FunctionName[];
  readonly enabled: number;
  readonly applications: { readonly management: Management };
  readonly platform: Platform;
}

export class IdentityAdministration implements IdentityOwner {
  readonly #key: IdentifiedKey;

  constructor(key: IdentifiedKey) {
    this.#key = key;
  }

  async show(): Promise<KeyIdentity> {
    const { serialNumber, identity, descriptor, functions, enabled, applications, platform } = this.#key;
    const { management } = applications;
    const { configuration } = management;
    const product = identity.product(functions);
    const chosen = namesOfCapabilities(configuration.enabled);
    const active = namesOfCapabilities(enabled);
    const { major, minor, build } = identity.ctapHidVersion;
    return {
      serial: serialNumber,
      identity: identity.name,
      usbId: formatUsbId(usbIdOf(descriptor)),
      manufacturer: identity.manufacturer,
      product,
      readerName: functions.includes("CCID") ? `${identity.manufacturer} ${product}` : null,
      cardSerialNumber: platform.device.serialNumber,
      firmwareVersion: management.version,
      fidoVersion: `${major}.${minor}.${build}`,
      interfaces: functions,
      applications: namesOfCapabilities(configuration.supported).map((name) => ({
        name,
        enabled: chosen.includes(name),
        active: active.includes(name),
      })),
      locked: configuration.isLocked,
    };
  }

  /** Throws Refusal, and then changes nothing. */
  async configure({ enable = [], disable = [], reset = false }: ConfigureRequest): Promise<KeyIdentity> {
    const { configuration } = this.#key.applications.management;
    const on = this.#capabilitiesOf(enable);
    const off = this.#capabilitiesOf(disable);
    if ((on & off) !== 0) throw new Refusal("bad-request", "An application is either to be on or off.");
    const before = reset ? configuration.supported : configuration.enabled;
    const enabled = (before | on) & ~off;
    if (enabled === 0) throw new Refusal("refused", "Leave an application on: a key without one has no interface.");
    if (reset) await configuration.reset();
    if (on !== 0 || off !== 0) await configuration.enable(enabled);
    this.#key.platform.log.info("the owner changed which applications are on");
    return this.show();
  }

  #capabilitiesOf(names: readonly string[]): number {
    const { supported } = this.#key.applications.management.configuration;
    return names.reduce((all, name) => {
      const capability = new Map<string, number>(Object.entries(CAPABILITY_NAMES)).get(name) ?? 0;
      if ((capability & supported) === 0) {
        const known = namesOfCapabilities(supported).join(", ");
        throw new Refusal("bad-request", `The key has no application ${JSON.stringify(name)}; it has ${known}.`);
      }
      return all | capability;
    }, 0);
  }
}
