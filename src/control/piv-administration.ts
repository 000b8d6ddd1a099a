// The PIV application of a key for its owner: what is in it, and a reset that asks for no blocked PINs.
import type { PivApplet } from "../../applets/piv/applet.ts";
import { findCertificate } from "../../applets/piv/attestation.ts";
import { certificateObject, OBJECT_PREFIX, readObject } from "../../applets/piv/data-objects.ts";
import { AlgorithmId, keySlots, Origin, slotName, TouchPolicy } from "../../applets/piv/identifiers.ts";
import { isManagementKeyDefault, readManagementKey } from "../../applets/piv/management-key.ts";
import type { ReferenceData } from "../../applets/piv/reference-data.ts";
import { findKey } from "../../applets/piv/slot-keys.ts";
import { subjectAttribute } from "../crypto/certificate-text.ts";
import type { Platform } from "../platform.ts";
import type { PivInfo, PivKeySummary, PivOwner, PivReferenceSummary } from "./piv-messages.ts";

const PIN_POLICIES = [null, "never", "once", "always"] as const;
const TOUCH_POLICIES = [null, "never", "always", "cached"] as const;
const MANAGEMENT_ALGORITHMS = {
  [AlgorithmId.TDES]: "3DES",
  [AlgorithmId.AES128]: "AES-128",
  [AlgorithmId.AES192]: "AES-192",
  [AlgorithmId.AES256]: "AES-256",
} as const;

export class PivAdministration implements PivOwner {
  readonly #piv: PivApplet;
  readonly #platform: Platform;

  constructor(piv: PivApplet, platform: Platform) {
    this.#piv = piv;
    this.#platform = platform;
  }

  async info(): Promise<PivInfo> {
    const key = readManagementKey(this.#platform);
    return {
      pin: summarize(this.#piv.pin),
      puk: summarize(this.#piv.puk),
      managementKey: {
        algorithm: MANAGEMENT_ALGORITHMS[key.algorithm as keyof typeof MANAGEMENT_ALGORITHMS],
        isDefault: isManagementKeyDefault(key),
        touch: key.touchPolicy !== TouchPolicy.NEVER,
      },
      slots: keySlots()
        .map((slot) => this.#describeSlot(slot))
        .filter(({ algorithm, hasCertificate }) => algorithm !== null || hasCertificate),
      objects: [...this.#platform.store.keys(OBJECT_PREFIX)].length,
    };
  }

  async reset(): Promise<void> {
    await this.#piv.reset();
    this.#platform.log.info("the owner reset PIV");
  }

  #describeSlot(slot: number): PivKeySummary {
    const key = findKey(this.#platform, slot);
    return {
      slot: slotName(slot),
      algorithm: key?.algorithm.name ?? null,
      pinPolicy: PIN_POLICIES[key?.pinPolicy ?? 0] ?? null,
      touchPolicy: TOUCH_POLICIES[key?.touchPolicy ?? 0] ?? null,
      origin: key === undefined ? null : key.origin === Origin.GENERATED ? "generated" : "imported",
      hasCertificate: readObject(this.#platform, certificateObject(slot)) !== undefined,
      certificateName: this.#certificateName(slot),
    };
  }

  #certificateName(slot: number): string | null {
    const certificate = findCertificate(this.#platform, certificateObject(slot));
    if (certificate === undefined) return null;
    try {
      return subjectAttribute(certificate, "CN") ?? null;
    } catch {
      return null; // a client may keep anything in there
    }
  }
}

function summarize({ triesLeft, maxTries, isDefault }: ReferenceData): PivReferenceSummary {
  return { triesLeft, maxTries, isDefault };
}
