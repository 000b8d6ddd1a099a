// `latchkey oath …`: a key's OATH accounts for its owner, on a key that runs or on the store of one that does not.
import type { OathAccountSummary } from "../control/oath-messages.ts";
import { printable } from "../presence/describe.ts";
import { askPassphrase } from "./ask-passphrase.ts";
import { type KeyOptions, withKey } from "./choose-key.ts";
import { confirm } from "./confirm.ts";
import { Failure } from "./failure.ts";
import { readSecretFile } from "./key-file.ts";
import type { Surroundings } from "./open-store.ts";
import type { JsonOption, Print } from "./output.ts";

export interface OathAddOptions extends KeyOptions, JsonOption {
  readonly uriFile?: string;
  readonly touch: boolean;
  readonly replace: boolean;
}

/** What is longer is not the URI of an account. */
const MAX_URI = 4096;

export function oathList(options: KeyOptions & JsonOption, around: Surroundings, print: Print): Promise<void> {
  return withKey(options, around, async (key) => {
    const accounts = await key.oath.list();
    if (options.json) print(JSON.stringify({ accounts }));
    else if (accounts.length === 0) print("There are no OATH accounts.");
    else for (const account of accounts) print(describe(account));
  });
}

/** `uri`: from the command line, which everybody on the machine can read; without it and --uri-file, from `input`. */
export function oathAdd(
  uri: string | undefined,
  options: OathAddOptions,
  around: Surroundings,
  input: AsyncIterable<Uint8Array | string>,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    const { touch, replace } = options;
    const account = await key.oath.add({ uri: await obtainUri(uri, options, around, input), touch, replace });
    if (options.json) print(JSON.stringify({ added: account }));
    else print(`Added ${describe(account)}`);
  });
}

export function oathCode(
  name: string,
  options: KeyOptions & JsonOption,
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    const code = await key.oath.code(name);
    print(options.json ? JSON.stringify(code) : code.code);
  });
}

export function oathDelete(
  name: string,
  options: KeyOptions & JsonOption,
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    const deleted = await key.oath.delete(name);
    if (options.json) print(JSON.stringify({ deleted }));
    else print(`Deleted ${describe(deleted)}`);
  });
}

export function oathReset(
  options: KeyOptions & JsonOption & { readonly yes: boolean },
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    const { length } = await key.oath.list();
    await confirm(`Erase the ${length} OATH accounts of this key and its access code`, options.yes, around);
    await key.oath.reset();
    print(options.json ? JSON.stringify({ erased: length }) : "The OATH part of this key is as new.");
  });
}

function describe({ name, type, algorithm, digits, period, touch }: OathAccountSummary): string {
  const kind = period === null ? type : `${type} of ${period} s`;
  return `${printable(name)}  ${kind}, ${algorithm}, ${digits} digits${touch ? ", with a touch" : ""}`;
}

async function obtainUri(
  uri: string | undefined,
  { uriFile }: OathAddOptions,
  { terminal }: Surroundings,
  input: AsyncIterable<Uint8Array | string>,
): Promise<string> {
  if (uri !== undefined && uri !== "-") {
    if (uriFile !== undefined) throw new Failure("Give a URI or --uri-file, not both.");
    return uri;
  }
  if (uriFile !== undefined) return readSecretFile(uriFile);
  if (terminal !== undefined) return askPassphrase(terminal, "otpauth:// URI: ", "URI");
  let text = "";
  for await (const chunk of input) {
    text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    if (text.length > MAX_URI) throw new Failure("What came in is too long for an otpauth:// URI.");
  }
  return text;
}
