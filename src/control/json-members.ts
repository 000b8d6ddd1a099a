// The members of a JSON object that somebody sent, into exact types: each mismatch, and each member that nobody asked
// for, is refused.
import { Refusal } from "./refusal.ts";

export class JsonMembers {
  readonly #members: ReadonlyMap<string, unknown>;
  readonly #read = new Set<string>();

  constructor(members: ReadonlyMap<string, unknown>) {
    this.#members = members;
  }

  /** Throws Refusal for anything but UTF-8, JSON, and an object. No bytes are an object without members. */
  static parse(bytes: Uint8Array): JsonMembers {
    if (bytes.length === 0) return new JsonMembers(new Map());
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch {
      // The parser's own message would quote what was sent, which may be a PIN.
      throw badRequest("The request is not JSON.");
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw badRequest("The request is not a JSON object.");
    }
    return new JsonMembers(new Map(Object.entries(value)));
  }

  optionalText(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === "string") return value;
    throw badRequest(`"${name}" has to be a string.`);
  }

  text(name: string): string {
    return required(name, this.optionalText(name));
  }

  oneOf<T extends string>(name: string, known: readonly T[]): T {
    const text = this.text(name);
    const found = known.find((candidate) => candidate === text);
    if (found === undefined) throw badRequest(`"${name}" has to be one of ${known.join(", ")}.`);
    return found;
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw badRequest(`"${name}" has to be true or false.`);
  }

  boolean(name: string): boolean {
    return required(name, this.optionalBoolean(name));
  }

  /** A whole number from 0 to `max`. */
  optionalCount(name: string, max: number): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
    throw badRequest(`"${name}" has to be a whole number from 0 to ${max}.`);
  }

  optionalTexts(name: string): readonly string[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((element) => typeof element === "string")) return value;
    throw badRequest(`"${name}" has to be a list of strings.`);
  }

  /** To be called when everything was read: refuses what is left. */
  end(): void {
    for (const name of this.#members.keys()) {
      if (!this.#read.has(name)) throw badRequest("The request has a member that is not known here.");
    }
  }

  #take(name: string): unknown {
    this.#read.add(name);
    return this.#members.get(name);
  }
}

function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw badRequest(`"${name}" is missing.`);
  return value;
}

function badRequest(message: string): Refusal {
  return new Refusal("bad-request", message);
}
