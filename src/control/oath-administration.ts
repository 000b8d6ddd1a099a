// The OATH accounts of a key for its owner. They are the card's own; the access code, which keeps clients of the card out,
// is not asked for: who has the store has its accounts.
import { type Account, isOnlyIncreasing, isTouchRequired } from "../../applets/oath/account.ts";
import { type Accounts, encodeCounter } from "../../applets/oath/accounts.ts";
import { takeCounter, touchPrompt } from "../../applets/oath/calculate.ts";
import { computeCode, formatCode } from "../../applets/oath/codes.ts";
import { Algorithm, MAX_ACCOUNTS, OathType, Property } from "../../applets/oath/parameters.ts";
import type { Platform } from "../platform.ts";
import type { OathAccountSummary, OathAddRequest, OathCode, OathOwner } from "./oath-messages.ts";
import { DEFAULT_PERIOD, parseOtpauthUri } from "./otpauth-uri.ts";
import { Refusal } from "./refusal.ts";

const TYPE_NAMES = {
  [OathType.HOTP]: "hotp",
  [OathType.TOTP]: "totp",
  [OathType.REVERSE_HOTP]: "reverse-hotp",
} as const;
const ALGORITHM_NAMES = {
  [Algorithm.SHA1]: "SHA1",
  [Algorithm.SHA256]: "SHA256",
  [Algorithm.SHA512]: "SHA512",
} as const;

export class OathAdministration implements OathOwner {
  readonly #accounts: Accounts;
  readonly #platform: Platform;
  readonly #today: () => Date;

  /** `today`: the time of day, which TOTP goes by. */
  constructor(accounts: Accounts, platform: Platform, today: () => Date = () => new Date()) {
    this.#accounts = accounts;
    this.#platform = platform;
    this.#today = today;
  }

  async list(): Promise<readonly OathAccountSummary[]> {
    return this.#accounts.list().map(summarize);
  }

  async add({ uri, touch = false, replace = false }: OathAddRequest): Promise<OathAccountSummary> {
    const { fields, counter } = parseOtpauthUri(uri);
    const isKnown = this.#accounts.find(fields.name) !== undefined;
    if (isKnown && !replace) {
      throw new Refusal("account-exists", "There is an account of that name already: replace it with --replace.");
    }
    if (!isKnown && this.#accounts.size >= MAX_ACCOUNTS) {
      throw new Refusal("no-space", `A key has room for ${MAX_ACCOUNTS} OATH accounts: delete one first.`);
    }
    await this.#accounts.put({ ...fields, properties: touch ? Property.REQUIRE_TOUCH : 0 }, counter);
    this.#platform.log.info("the owner added an OATH account");
    return summarize(this.#accounts.require(fields.name));
  }

  async code(name: string, signal: AbortSignal = new AbortController().signal): Promise<OathCode> {
    const account = this.#findOne(name);
    if (account.type === OathType.REVERSE_HOTP) {
      throw new Refusal("refused", "That account verifies codes, and gives none.");
    }
    if (isTouchRequired(account)) await this.#requireTouch(account, signal);
    const text = textOf(account);
    if (account.type === OathType.HOTP) {
      const challenge = await takeCounter(this.#accounts, account);
      return { name: text, code: formatCode(computeCode(account, challenge), account), validUntil: null };
    }
    const period = periodOf(account);
    const step = Math.floor(this.#today().getTime() / 1000 / period);
    const challenge = encodeCounter(step);
    if (isOnlyIncreasing(account) && !(await this.#accounts.raiseMarks([account], challenge))) {
      throw new Refusal("refused", "That account gives one code in each period, and has given this one.");
    }
    const validUntil = new Date((step + 1) * period * 1000).toISOString();
    return { name: text, code: formatCode(computeCode(account, challenge), account), validUntil };
  }

  async delete(name: string): Promise<OathAccountSummary> {
    const account = this.#accounts.find(new TextEncoder().encode(name));
    if (account === undefined) throw noSuchAccount();
    await this.#accounts.delete(account.name);
    this.#platform.log.info("the owner deleted an OATH account");
    return summarize(account);
  }

  async reset(): Promise<void> {
    await this.#accounts.reset();
    this.#platform.log.info("the owner reset OATH");
  }

  #findOne(name: string): Account {
    const exact = this.#accounts.find(new TextEncoder().encode(name));
    if (exact !== undefined) return exact;
    const wanted = name.toLowerCase();
    const found = this.#accounts.list().filter((account) => textOf(account).toLowerCase().includes(wanted));
    const [only] = found;
    if (only === undefined) throw noSuchAccount();
    if (found.length === 1) return only;
    throw new Refusal("bad-request", `${found.length} accounts have that in their name: give more of it.`);
  }

  async #requireTouch(account: Account, signal: AbortSignal): Promise<void> {
    const outcome = await this.#platform.presence.request(touchPrompt(account), signal);
    if (outcome === "granted") return;
    if (outcome === "cancelled") throw new Refusal("refused", "That account wants a touch, and it was withdrawn.");
    throw new Refusal(
      "refused",
      outcome === "timeout"
        ? "That account wants a touch, and nobody gave it."
        : "That account wants a touch, and it was denied: a key that does not run cannot ask for one.",
    );
  }
}

function noSuchAccount(): Refusal {
  return new Refusal("no-such-account", 'There is no OATH account of that name: "latchkey oath list" shows them.');
}

function textOf({ name }: Account): string {
  return new TextDecoder().decode(name);
}

/** As yubikit takes names apart. */
function splitName(account: Account): {
  readonly period: number;
  readonly issuer: string | null;
  readonly rest: string;
} {
  const pattern = account.type === OathType.TOTP ? /^(?:(\d{1,9})\/)?(?:([^:]+):)?(.+)$/s : /^()(?:([^:]*):)?(.*)$/s;
  const [, period = "", issuer, rest = ""] = pattern.exec(textOf(account)) ?? [];
  return { period: Number(period) || DEFAULT_PERIOD, issuer: issuer || null, rest };
}

function periodOf(account: Account): number {
  return splitName(account).period;
}

function summarize(account: Account): OathAccountSummary {
  const { period, issuer, rest } = splitName(account);
  return {
    name: textOf(account),
    issuer,
    account: rest,
    type: TYPE_NAMES[account.type],
    algorithm: ALGORITHM_NAMES[account.algorithm],
    digits: account.digits,
    period: account.type === OathType.TOTP ? period : null,
    touch: isTouchRequired(account),
  };
}
