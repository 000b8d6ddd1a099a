// `latchkey piv …`: a key's PIV application for its owner, on a key that runs or on the store of one that does not.
import type { PivInfo, PivKeySummary, PivReferenceSummary } from "../control/piv-messages.ts";
import { printable } from "../presence/describe.ts";
import { type KeyOptions, withKey } from "./choose-key.ts";
import { confirm } from "./confirm.ts";
import type { Surroundings } from "./open-store.ts";
import type { JsonOption, Print } from "./output.ts";

export function pivInfo(options: KeyOptions & JsonOption, around: Surroundings, print: Print): Promise<void> {
  return withKey(options, around, async (key) => {
    const info = await key.piv.info();
    if (options.json) print(JSON.stringify(info));
    else for (const line of describeInfo(info)) print(line);
  });
}

export function pivReset(
  options: KeyOptions & JsonOption & { readonly yes: boolean },
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    const { slots, objects } = await key.piv.info();
    // The attestation key and its certificate stay.
    const keys = slots.filter(({ slot, algorithm }) => slot !== "f9" && algorithm !== null).length;
    await confirm(`Erase the ${keys} PIV keys of this key, its certificates and objects`, options.yes, around);
    await key.piv.reset();
    const kept = (await key.piv.info()).objects;
    const erased = { keys, objects: objects - kept };
    print(options.json ? JSON.stringify({ erased }) : "The PIV part of this key is as new.");
  });
}

function describeInfo({ pin, puk, managementKey, slots, objects }: PivInfo): string[] {
  const { algorithm, isDefault, touch } = managementKey;
  return [
    `PIN             ${describeReference(pin)}`,
    `PUK             ${describeReference(puk)}`,
    `management key  ${algorithm}${touch ? ", with a touch" : ""}${isDefault ? ", the default one" : ""}`,
    ...slots.map((slot) => `slot ${slot.slot}         ${describeSlot(slot)}`),
    `objects         ${objects}`,
  ];
}

function describeReference({ triesLeft, maxTries, isDefault }: PivReferenceSummary): string {
  const tries = triesLeft === 0 ? "blocked" : `${triesLeft} of ${maxTries} tries left`;
  return `${tries}${isDefault ? ", the default one" : ""}`;
}

function describeSlot(slot: PivKeySummary): string {
  const { algorithm, origin, pinPolicy, touchPolicy, hasCertificate, certificateName } = slot;
  const key = algorithm === null ? "no key" : `${algorithm}, ${origin}, PIN ${pinPolicy}, touch ${touchPolicy}`;
  if (!hasCertificate) return key;
  return `${key}; certificate${certificateName === null ? "" : ` of ${printable(certificateName)}`}`;
}
