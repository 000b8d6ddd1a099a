// `latchkey openpgp …`: a key's OpenPGP card for its owner, on a key that runs or on the store of one that does not.
import type {
  OpenPgpInfo,
  OpenPgpKeyName,
  OpenPgpKeySummary,
  OpenPgpTouchPolicy,
} from "../control/openpgp-messages.ts";
import { printable } from "../presence/describe.ts";
import { type KeyOptions, withKey } from "./choose-key.ts";
import { confirm } from "./confirm.ts";
import type { Surroundings } from "./open-store.ts";
import type { JsonOption, Print } from "./output.ts";

const KEY_NAMES = { sig: "signature", dec: "decryption", aut: "authentication", att: "attestation" } as const;

export function openPgpInfo(options: KeyOptions & JsonOption, around: Surroundings, print: Print): Promise<void> {
  return withKey(options, around, async (key) => show(await key.openpgp.info(), options, print));
}

export function openPgpSetTouch(
  name: OpenPgpKeyName,
  policy: OpenPgpTouchPolicy,
  options: KeyOptions & JsonOption & { readonly yes: boolean },
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    if (policy === "fixed" || policy === "cached-fixed") {
      await confirm(`Fix the touch policy of the ${KEY_NAMES[name]} key until the card is reset`, options.yes, around);
    }
    const info = await key.openpgp.setTouch({ key: name, policy });
    if (options.json) print(JSON.stringify(info));
    else print(`The touch policy of the ${KEY_NAMES[name]} key is ${policy}.`);
  });
}

export function openPgpReset(
  options: KeyOptions & JsonOption & { readonly yes: boolean },
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    const { keys, serial } = await key.openpgp.info();
    const erased = keys.filter(({ status }) => status !== "none").length;
    await confirm(`Erase the OpenPGP card of key ${serial}, ${erased} keys and its PINs`, options.yes, around);
    await key.openpgp.reset();
    if (options.json) print(JSON.stringify({ erased }));
    else print(`The OpenPGP card of key ${serial} is as new: its PINs are 123456 and 12345678.`);
  });
}

function show(info: OpenPgpInfo, { json }: JsonOption, print: Print): void {
  if (json) {
    print(JSON.stringify(info));
    return;
  }
  const { tries } = info;
  print(
    `Key ${info.serial}, OpenPGP card ${info.aid}, version ${info.version}${info.terminated ? ", terminated" : ""}`,
  );
  if (info.cardholder !== "")
    print(`  cardholder: ${printable(info.cardholder.replace("<<", ", ").replaceAll("<", " "))}`);
  if (info.login !== "") print(`  login: ${printable(info.login)}`);
  if (info.url !== "") print(`  URL: ${printable(info.url)}`);
  print(`  tries left: PIN ${tries.pw1}, resetting code ${tries.resettingCode}, admin PIN ${tries.pw3}`);
  print(
    `  PIN for signatures: ${info.signaturePinForced ? "for each" : "once"}${info.kdf ? "; PINs are hashed by the host (KDF)" : ""}`,
  );
  print(`  signatures made: ${info.signatures}`);
  for (const key of info.keys) print(`  ${KEY_NAMES[key.key]} key: ${describe(key)}`);
}

function describe({ status, algorithm, fingerprint, touch }: OpenPgpKeySummary): string {
  const known = status === "none" ? `none (${algorithm})` : `${algorithm}, ${status}`;
  return `${known}${fingerprint === null ? "" : `, ${fingerprint.toUpperCase()}`}, touch ${touch}`;
}
