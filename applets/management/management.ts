// What the management applet does, whoever asks: the card's commands (applet.ts), CTAPHID's vendor commands and the
// keyboard's configuration slots carry the same data. Throws StatusError.
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import { requestTouch } from "../../src/touch.ts";
import type { Transport } from "../../src/transport.ts";
import type { DeviceConfiguration } from "./configuration.ts";
import { type DeviceMake, encodeDeviceInfoPage } from "./device-info.ts";
import { setMode } from "./set-mode.ts";
import { writeConfig } from "./write-config.ts";

export interface ManagementOptions extends DeviceMake {
  /** Makes every applet as new. */
  resetApplets(): Promise<void>;
}

export class Management {
  readonly configuration: DeviceConfiguration;
  readonly #platform: Platform;
  readonly #options: ManagementOptions;

  constructor(platform: Platform, configuration: DeviceConfiguration, options: ManagementOptions) {
    this.#platform = platform;
    this.configuration = configuration;
    this.#options = options;
  }

  /** "5.7.4" */
  get version(): string {
    return this.#platform.device.firmwareVersion.join(".");
  }

  /** The page of that number, its length in front. `isForeignReader`: it goes through a reader that is not the key's own. */
  readConfig(page: number, isForeignReader = false): Uint8Array {
    return encodeDeviceInfoPage(page, this.#platform.device, this.configuration, this.#options, isForeignReader);
  }

  /** `data`: its length in front, and nothing behind it. */
  async writeConfig(data: Uint8Array, isForeignReader = false): Promise<void> {
    await writeConfig(this.configuration, data, isForeignReader);
    this.#logChange();
  }

  /** `data`: four bytes. */
  async setMode(data: Uint8Array): Promise<void> {
    await setMode(this.configuration, data);
    this.#logChange();
  }

  /**
   * Erases every applet, and the configuration unless it is locked. YubiKeys without a fingerprint reader do not have
   * it; what it erases cannot be had back, so it waits for a long touch.
   */
  async reset(transport: Transport): Promise<void> {
    const prompt = { applet: "management", action: "erase the whole key", long: true };
    const outcome = await requestTouch(this.#platform, transport, prompt);
    if (outcome !== "granted") throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
    await this.#options.resetApplets();
    if (!this.configuration.isLocked) await this.configuration.reset();
    this.#platform.log.info("management: every applet was reset");
  }

  #logChange(): void {
    this.#platform.log.info("management: the configuration changed; it takes effect when the key is next plugged in");
  }
}
