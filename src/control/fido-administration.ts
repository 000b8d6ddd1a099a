// FIDO2 as its owner sees it: what it is, its credentials, its PIN, and back to a new key. Reading and PINs go through
// the authenticator's own commands; CTAP's refusals become sentences.
import type { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import type { Credential } from "../../applets/fido2/credential.ts";
import { InfoMember } from "../../applets/fido2/get-info.ts";
import { buildMetadataStatement } from "../../applets/fido2/metadata.ts";
import { Parameters } from "../../applets/fido2/parameters.ts";
import { MAX_PIN_RETRIES } from "../../applets/fido2/pin.ts";
import { CtapStatus } from "../../applets/fido2/status.ts";
import { toHex } from "../bytes/hex.ts";
import { wipe } from "../bytes/wipe.ts";
import type { Platform } from "../platform.ts";
import { listAttestationRoots } from "./attestation-administration.ts";
import { CtapClient, CtapFailure, MAX_PIN_BYTES } from "./ctap-client.ts";
import type { CredentialSummary, FidoInfo, FidoOwner } from "./fido-messages.ts";
import { Refusal } from "./refusal.ts";

/** A shorter beginning of an id is more likely a slip than a choice. */
const MIN_ID_PREFIX = 4;

export class FidoAdministration implements FidoOwner {
  readonly #serial: string;
  readonly #platform: Platform;
  readonly #fido2: Fido2Authenticator;
  readonly #client: CtapClient;

  constructor(serial: string, fido2: Fido2Authenticator, platform: Platform) {
    this.#serial = serial;
    this.#platform = platform;
    this.#fido2 = fido2;
    this.#client = new CtapClient(fido2, platform.randomBytes);
  }

  async info(): Promise<FidoInfo> {
    const map = await this.#client.getInfo();
    const info = new Parameters(map);
    const options = map.get(InfoMember.OPTIONS);
    const given = options instanceof Map ? [...options] : [];
    const isPinSet = this.#hasPin(map);
    return {
      serial: this.#serial,
      aaguid: toHex(info.bytes(InfoMember.AAGUID)),
      versions: info.optionalTexts(InfoMember.VERSIONS) ?? [],
      extensions: info.optionalTexts(InfoMember.EXTENSIONS) ?? [],
      options: Object.fromEntries(given.map(([name, value]) => [String(name), value === true])),
      algorithms: (info.optionalMaps(InfoMember.ALGORITHMS) ?? []).map((entry) => entry.integer("alg")),
      attestationFormats: info.optionalTexts(InfoMember.ATTESTATION_FORMATS) ?? [],
      pin: {
        set: isPinSet,
        ...(isPinSet ? await this.#client.getPinRetries() : { retries: MAX_PIN_RETRIES, needsPowerCycle: false }),
        mustChange: info.optionalBoolean(InfoMember.FORCE_PIN_CHANGE) === true,
        minLength: info.integer(InfoMember.MIN_PIN_LENGTH),
      },
      credentials: {
        discoverable: this.#fido2.credentials.discoverableCount,
        remaining: info.integer(InfoMember.REMAINING_DISCOVERABLE_CREDENTIALS),
      },
    };
  }

  async listCredentials(pin: string | undefined): Promise<readonly CredentialSummary[]> {
    await this.#authorize(pin);
    return this.#credentials().map(summarize);
  }

  async deleteCredential(id: string, pin: string | undefined): Promise<CredentialSummary> {
    const wanted = id.toLowerCase();
    if (!/^[0-9a-f]+$/.test(wanted) || wanted.length < MIN_ID_PREFIX) {
      throw new Refusal("bad-request", `An id is hexadecimal; at least its first ${MIN_ID_PREFIX} digits are needed.`);
    }
    await this.#authorize(pin);
    const found = this.#credentials().filter((credential) => toHex(credential.id).startsWith(wanted));
    const [credential] = found;
    if (credential === undefined) throw noSuchCredential(wanted);
    if (found.length > 1) {
      throw new Refusal("no-such-credential", `${found.length} credentials have ids that begin with ${wanted}.`);
    }
    if (!(await this.#fido2.credentials.delete(credential))) throw noSuchCredential(wanted);
    this.#tell("deleted a FIDO2 credential");
    return summarize(credential);
  }

  async setPin(newPin: string): Promise<void> {
    if (this.#hasPin(await this.#client.getInfo())) {
      throw new Refusal("pin-already-set", 'A PIN is set already: change it with "latchkey fido change-pin".');
    }
    await this.#guarded(newPin, (bytes) => this.#client.setPin(bytes));
    this.#tell("set the FIDO2 PIN");
  }

  async changePin(pin: string, newPin: string): Promise<void> {
    await this.#guarded(pin, (bytes) => this.#guarded(newPin, (next) => this.#client.changePin(bytes, next)));
    this.#tell("changed the FIDO2 PIN");
  }

  async reset(): Promise<void> {
    await this.#fido2.reset();
    this.#tell("reset FIDO2");
  }

  async metadata(): Promise<unknown> {
    return buildMetadataStatement(await this.#client.getInfo(), listAttestationRoots(this.#platform));
  }

  #tell(deed: string): void {
    this.#platform.log.info(`the owner ${deed}`);
  }

  /** §6.8 asks for a PIN before it lists or deletes; where none is set, whoever has the store may. */
  async #authorize(pin: string | undefined): Promise<void> {
    if (!this.#hasPin(await this.#client.getInfo())) return;
    if (pin === undefined) {
      throw new Refusal(
        "pin-required",
        "This key has a PIN: give it at the prompt, with --pin-file or in LATCHKEY_PIN.",
      );
    }
    await this.#guarded(pin, (bytes) => this.#client.verifyPin(bytes));
  }

  #credentials(): readonly Credential[] {
    const { credentials } = this.#fido2;
    return credentials.listRelyingParties().flatMap(({ rpIdHash }) => credentials.findDiscoverable(rpIdHash));
  }

  #hasPin(info: Awaited<ReturnType<CtapClient["getInfo"]>>): boolean {
    const options = info.get(InfoMember.OPTIONS);
    return options instanceof Map && options.get("clientPin") === true;
  }

  /** Runs `use` with the bytes of a PIN, and turns what CTAP answers into a sentence. */
  async #guarded(pin: string, use: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    // CTAP 2.3 §6.5.1: in Normalization Form C.
    const bytes = new TextEncoder().encode(pin.normalize("NFC"));
    try {
      if (bytes.length > MAX_PIN_BYTES) {
        throw new Refusal("pin-policy", `A PIN has at most ${MAX_PIN_BYTES} bytes; this one has ${bytes.length}.`);
      }
      await use(bytes);
    } catch (error) {
      throw error instanceof CtapFailure ? await this.#explain(error) : error;
    } finally {
      wipe(bytes);
    }
  }

  async #explain(failure: CtapFailure): Promise<Refusal> {
    const cause = { cause: failure };
    switch (failure.status) {
      case CtapStatus.CTAP2_ERR_PIN_INVALID: {
        const { retries } = await this.#client.getPinRetries();
        return new Refusal("pin-invalid", `That is not the PIN; ${triesLeft(retries)}.`, cause);
      }
      case CtapStatus.CTAP2_ERR_PIN_AUTH_BLOCKED: {
        const { retries } = await this.#client.getPinRetries();
        const message = `Three wrong PINs in a row: run "latchkey power-cycle" before the next one; ${triesLeft(retries)}.`;
        return new Refusal("pin-blocked", message, cause);
      }
      case CtapStatus.CTAP2_ERR_PIN_BLOCKED:
        return new Refusal(
          "pin-blocked",
          'The PIN is blocked for good: only "latchkey fido reset", which erases all FIDO credentials, lifts that.',
          cause,
        );
      case CtapStatus.CTAP2_ERR_PIN_NOT_SET:
        return new Refusal("pin-not-set", 'No PIN is set: "latchkey fido set-pin" sets one.', cause);
      case CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION:
        return new Refusal("pin-policy", await this.#explainPolicy(), cause);
      default:
        return new Refusal("refused", `The key refused: ${failure.message}.`, cause);
    }
  }

  async #explainPolicy(): Promise<string> {
    const { pin } = await this.info();
    const rule = `A new PIN has at least ${pin.minLength} characters and at most ${MAX_PIN_BYTES} bytes`;
    if (pin.mustChange) return `${rule}, and this key wants another PIN than the one that it has.`;
    return `${rule}, and is not easy to guess where the key was told to mind that.`;
  }
}

function triesLeft(retries: number): string {
  return retries === 1 ? "1 try is left" : `${retries} tries are left`;
}

function noSuchCredential(id: string): Refusal {
  return new Refusal("no-such-credential", `No discoverable credential has an id that begins with ${id}.`);
}

function summarize({ id, algorithm, account, traits }: Credential): CredentialSummary {
  if (account === undefined) throw new TypeError("only discoverable credentials are listed");
  const { rp, user } = account;
  const name = user.name ?? null;
  const displayName = user.displayName ?? null;
  const { credProtect } = traits;
  return { id: toHex(id), rpId: rp.id, user: { id: toHex(user.id), name, displayName }, algorithm, credProtect };
}
