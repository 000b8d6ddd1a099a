// The applications of a key: each is made once here, behind whatever interface hosts reach it.
import { Fido2Authenticator } from "../applets/fido2/authenticator.ts";
import type { Fido2Options } from "../applets/fido2/context.ts";
import { FidoApplet } from "../applets/fido2/fido-applet.ts";
import { SharedAuthenticator } from "../applets/fido2/shared-authenticator.ts";
import { ManagementApplet } from "../applets/management/applet.ts";
import { Capability } from "../applets/management/capability.ts";
import { DeviceConfiguration } from "../applets/management/configuration.ts";
import { Management } from "../applets/management/management.ts";
import { OathApplet } from "../applets/oath/applet.ts";
import { OpenPgpApplet } from "../applets/openpgp/applet.ts";
import { OtpApplet } from "../applets/otp/applet.ts";
import { PivApplet } from "../applets/piv/applet.ts";
import { U2fApplet } from "../applets/u2f/applet.ts";
import type { Identity } from "./identity.ts";
import type { Applet } from "./iso7816/applet.ts";
import type { Platform } from "./platform.ts";

export interface ApplicationsOptions {
  readonly identity: Identity;
  readonly fido2: Partial<Fido2Options> | undefined;
  /** The applications that have been on since power-up, as `Capability` bits. */
  readEnabled(): number;
}

/** An application as the card has it. */
interface CardApplication {
  readonly applet: Applet;
  /** `Capability` bits: it answers SELECT while one of them is on, and always if there are none. */
  readonly capabilities: number;
  /** Back to the state of a new key. */
  reset?(): Promise<void>;
}

export class Applications {
  readonly fido2: Fido2Authenticator;
  /** The same, for messages that may come by CTAPHID and by the card at once. */
  readonly ctap2: SharedAuthenticator;
  readonly u2f: U2fApplet;
  readonly oath: OathApplet;
  readonly openpgp: OpenPgpApplet;
  readonly otp: OtpApplet;
  readonly piv: PivApplet;
  readonly management: Management;
  /** In the order in which a partial AID finds them. */
  readonly #ofCard: readonly CardApplication[];
  readonly #options: ApplicationsOptions;

  constructor(platform: Platform, options: ApplicationsOptions) {
    this.#options = options;
    const { identity } = options;
    this.fido2 = new Fido2Authenticator(platform, {
      firmwareVersion: identity.fidoFirmwareVersion,
      u2f: () => this.#isOn(Capability.U2F),
      ...options.fido2,
    });
    this.ctap2 = new SharedAuthenticator(this.fido2);
    this.u2f = new U2fApplet(platform, this.fido2.credentials, () => this.fido2.isU2fEnabled);
    const fido = new FidoApplet(this.ctap2, this.u2f, () => this.#isOn(Capability.FIDO2));
    this.oath = new OathApplet(platform);
    this.openpgp = new OpenPgpApplet(platform, {
      manufacturer: identity.openPgpManufacturer,
      isYubiKey: identity.name === "yubikey5",
    });
    this.otp = new OtpApplet(platform, {
      deviceInfo: {
        read: (page) => this.management.readConfig(page),
        write: (data) => this.management.writeConfig(data),
        setMode: (data) => this.management.setMode(data),
      },
    });
    this.piv = new PivApplet(platform, { formFactor: identity.make.formFactor });

    const managed: readonly CardApplication[] = [
      { applet: fido, capabilities: Capability.FIDO2 | Capability.U2F, reset: () => this.fido2.reset() },
      { applet: this.oath, capabilities: Capability.OATH, reset: () => this.oath.reset() },
      { applet: this.openpgp, capabilities: Capability.OPENPGP, reset: () => this.openpgp.reset() },
      { applet: this.otp, capabilities: Capability.OTP, reset: () => this.otp.reset() },
      { applet: this.piv, capabilities: Capability.PIV, reset: () => this.piv.reset() },
    ];
    const supported = managed.reduce((all, { capabilities }) => all | capabilities, 0);
    this.management = new Management(platform, new DeviceConfiguration(platform, supported), {
      ...identity.make,
      async resetApplets() {
        for (const { reset } of managed) await reset?.();
      },
    });
    this.#ofCard = [...managed, { applet: new ManagementApplet(this.management), capabilities: 0 }];
  }

  /** What answers SELECT since power-up. */
  get selectable(): readonly Applet[] {
    return this.#ofCard
      .filter(({ capabilities }) => capabilities === 0 || this.#isOn(capabilities))
      .map(({ applet }) => applet);
  }

  /** What the applets of the card do not hear of by its own reset. */
  powerCycle(): void {
    this.fido2.powerCycle();
    this.u2f.deselect();
    this.otp.powerCycle();
  }

  /** Whether one of the capabilities has been on since power-up. */
  #isOn(capabilities: number): boolean {
    return (this.#options.readEnabled() & capabilities) !== 0;
  }
}
