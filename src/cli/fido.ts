// `latchkey fido …`: a key's FIDO2 for its owner, on a key that runs or on the store of one that does not.
import type { CredentialSummary, FidoInfo } from "../control/fido-messages.ts";
import { printable } from "../presence/describe.ts";
import { type KeyOptions, withKey } from "./choose-key.ts";
import { confirm } from "./confirm.ts";
import type { Surroundings } from "./open-store.ts";
import type { JsonOption, Print } from "./output.ts";
import { type NewPinOptions, obtainNewPin, obtainPin, type PinOptions } from "./pins.ts";

/** So much of an id tells one from another, and `delete` takes no more. */
const SHOWN_ID_DIGITS = 16;

/** COSE Algorithms, IANA. */
const ALGORITHMS: Readonly<Record<number, string>> = {
  [-7]: "ES256",
  [-8]: "EdDSA",
  [-9]: "ESP256",
  [-19]: "Ed25519",
  [-35]: "ES384",
  [-36]: "ES512",
  [-47]: "ES256K",
  [-48]: "ML-DSA-44",
  [-49]: "ML-DSA-65",
  [-50]: "ML-DSA-87",
  [-51]: "ESP384",
  [-52]: "ESP512",
  [-53]: "Ed448",
};

export function fidoInfo(options: KeyOptions & JsonOption, around: Surroundings, print: Print): Promise<void> {
  return withKey(options, around, async (key) => {
    const info = await key.fido.info();
    if (options.json) print(JSON.stringify(info));
    else for (const line of describeInfo(info)) print(line);
  });
}

function describeInfo(info: FidoInfo): string[] {
  const options = Object.entries(info.options).map(([name, value]) => (value ? name : `no ${name}`));
  return [
    `Key ${info.serial}, AAGUID ${info.aaguid}`,
    `  versions: ${info.versions.join(", ")}`,
    `  PIN: ${describePin(info)}`,
    `  credentials: ${info.credentials.discoverable} discoverable, room for ${info.credentials.remaining} more`,
    `  algorithms: ${info.algorithms.map(nameOf).join(", ")}`,
    `  extensions: ${info.extensions.join(", ")}`,
    `  options: ${options.join(", ")}`,
    `  attestation: ${info.attestationFormats.join(", ")}`,
  ];
}

function describePin({ pin }: FidoInfo): string {
  const length = `at least ${pin.minLength} characters`;
  if (!pin.set) return `none is set; ${length}`;
  const parts = [`set, ${pin.retries} tries left`, length];
  if (pin.needsPowerCycle) parts.push("blocked until a power cycle");
  if (pin.mustChange) parts.push("has to be changed");
  return parts.join("; ");
}

function nameOf(algorithm: number): string {
  return ALGORITHMS[algorithm] ?? String(algorithm);
}

export function fidoCredentials(
  options: KeyOptions & PinOptions & JsonOption,
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    const pin = (await key.fido.info()).pin.set ? await obtainPin(options, around) : undefined;
    const credentials = await key.fido.listCredentials(pin);
    if (options.json) print(JSON.stringify({ credentials }));
    else if (credentials.length === 0) print("There are no discoverable credentials.");
    else for (const credential of credentials) print(describeCredential(credential));
  });
}

function describeCredential({ id, rpId, user, algorithm }: CredentialSummary): string {
  const shown = [user.name, user.displayName].filter((name) => name !== null).map(printable);
  return `${id.slice(0, SHOWN_ID_DIGITS)}  ${printable(rpId)}  ${shown.join(", ") || `user ${user.id}`}  ${nameOf(algorithm)}`;
}

export function fidoDelete(
  id: string,
  options: KeyOptions & PinOptions & JsonOption,
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    const pin = (await key.fido.info()).pin.set ? await obtainPin(options, around) : undefined;
    const deleted = await key.fido.deleteCredential(id, pin);
    if (options.json) print(JSON.stringify({ deleted }));
    else print(`Deleted ${describeCredential(deleted)}`);
  });
}

export function fidoSetPin(
  options: KeyOptions & NewPinOptions & JsonOption,
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    await key.fido.setPin(await obtainNewPin(options, around));
    const { serial, pin } = await key.fido.info();
    print(options.json ? JSON.stringify({ serial, pin }) : `The PIN of key ${serial} is set.`);
  });
}

export function fidoChangePin(
  options: KeyOptions & PinOptions & NewPinOptions & JsonOption,
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    const oldPin = await obtainPin(options, around);
    await key.fido.changePin(oldPin, await obtainNewPin(options, around));
    const { serial, pin } = await key.fido.info();
    print(options.json ? JSON.stringify({ serial, pin }) : `The PIN of key ${serial} is changed.`);
  });
}

export function fidoReset(
  options: KeyOptions & JsonOption & { readonly yes: boolean },
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    const { serial, credentials } = await key.fido.info();
    const what = `every FIDO credential of key ${serial}, ${credentials.discoverable} discoverable ones among them, its PIN and its settings`;
    await confirm(`Erase ${what}`, options.yes, around);
    await key.fido.reset();
    if (!options.json) print(`The FIDO part of key ${serial} is as new.`);
    else print(JSON.stringify({ serial, erased: { discoverable: credentials.discoverable } }));
  });
}
