// The OpenPGP card of a key for its owner: what it holds, its touch policies, and a reset. PW3 is not asked for: who has
// the store has its card.
import type { KeyAlgorithm } from "../../applets/openpgp/algorithms.ts";
import type { OpenPgpApplet } from "../../applets/openpgp/applet.ts";
import { findDataObject, PW_STATUS } from "../../applets/openpgp/data-objects.ts";
import { KDF } from "../../applets/openpgp/kdf.ts";
import { KEY_SLOTS, type KeySlot, keySlots } from "../../applets/openpgp/key-slots.ts";
import { KeyOrigin } from "../../applets/openpgp/keys.ts";
import { dataObjectKey } from "../../applets/openpgp/persistent.ts";
import { signatureCounter } from "../../applets/openpgp/security-operations.ts";
import { encodeUserInteraction, isFixed, userInteraction } from "../../applets/openpgp/user-interaction.ts";
import { toHex } from "../bytes/hex.ts";
import { Reader } from "../bytes/reader.ts";
import {
  OPENPGP_TOUCH_POLICIES,
  type OpenPgpInfo,
  type OpenPgpKeySummary,
  type OpenPgpOwner,
  type OpenPgpTouchRequest,
} from "./openpgp-messages.ts";
import { Refusal } from "./refusal.ts";

const Tag = { NAME: 0x5b, LOGIN: 0x5e, URL: 0x5f50 } as const;
const STATUS_NAMES = {
  [KeyOrigin.NONE]: "none",
  [KeyOrigin.GENERATED]: "generated",
  [KeyOrigin.IMPORTED]: "imported",
} as const;

export class OpenPgpAdministration implements OpenPgpOwner {
  readonly #serial: string;
  readonly #applet: OpenPgpApplet;

  constructor(serial: string, applet: OpenPgpApplet) {
    this.#serial = serial;
    this.#applet = applet;
  }

  async info(): Promise<OpenPgpInfo> {
    const { aid, context } = this.#applet;
    const { passwords, persistent } = context;
    const version = new Reader(aid.subarray(6));
    return {
      serial: this.#serial,
      aid: toHex(aid),
      version: `${version.u8()}.${version.u8()}`,
      terminated: persistent.isTerminated,
      cardholder: this.#text(Tag.NAME),
      login: this.#text(Tag.LOGIN),
      url: this.#text(Tag.URL),
      tries: {
        pw1: passwords.tries("PW1"),
        resettingCode: passwords.tries("RC"),
        pw3: passwords.tries("PW3"),
      },
      signaturePinForced: persistent.dataObject(PW_STATUS)?.[0] !== 1,
      kdf: persistent.dataObject(KDF) !== undefined,
      signatures: signatureCounter(context),
      keys: KEY_SLOTS.map((slot) => this.#summarize(slot)),
    };
  }

  async setTouch({ key, policy }: OpenPgpTouchRequest): Promise<OpenPgpInfo> {
    const { context } = this.#applet;
    if (context.persistent.isTerminated)
      throw new Refusal("refused", "The OpenPGP card is terminated: reset it first.");
    if (isFixed(context, key)) {
      throw new Refusal(
        "refused",
        `The touch policy of the ${keySlots[key].name} is fixed: only a reset takes it away.`,
      );
    }
    const value = encodeUserInteraction(OPENPGP_TOUCH_POLICIES.indexOf(policy));
    await context.persistent.commit({ [dataObjectKey(keySlots[key].userInteraction)]: value });
    context.platform.log.info(`the owner set the touch policy of the OpenPGP ${keySlots[key].name}`);
    return this.info();
  }

  async reset(): Promise<void> {
    await this.#applet.reset();
    this.#applet.context.platform.log.info("the owner reset the OpenPGP card");
  }

  #summarize(slot: KeySlot): OpenPgpKeySummary {
    const { context } = this.#applet;
    const { fingerprint, generationTime } = keySlots[slot];
    const seconds = context.persistent.dataObject(generationTime);
    const digits = context.persistent.dataObject(fingerprint);
    return {
      key: slot,
      status: STATUS_NAMES[context.keys.origin(slot)],
      algorithm: nameOf(context.keys.attributes(slot).algorithm),
      fingerprint: digits === undefined ? null : toHex(digits),
      generated: seconds === undefined ? null : new Date(new Reader(seconds).u32be() * 1000).toISOString(),
      touch: OPENPGP_TOUCH_POLICIES[userInteraction(context, slot)],
    };
  }

  #text(tag: number): string {
    return new TextDecoder().decode(findDataObject(tag).value(this.#applet.context));
  }
}

function nameOf(algorithm: KeyAlgorithm): string {
  return algorithm.kind === "rsa" ? `RSA ${algorithm.bits}` : algorithm.curve.name;
}
