// latchkey oath, on a key that runs in this process and on the store of one that does not.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { beforeEach, expect, it } from "vitest";
import { oathAdd, oathCode, oathDelete, oathList, oathReset } from "../../src/cli/oath.ts";
import { commandRig } from "./rig.ts";

const { env, around, printed, print, makeStore, secretFile, start } = commandRig({ ephemeral: false, touch: "auto" });
const URI = "otpauth://hotp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=0";
const plain = { json: false };
const json = { json: true };
const add = { touch: false, replace: false, ...plain };
const nothing = Readable.from([]);

beforeEach(makeStore);

it("adds an account to a stopped key, from a file, and uses it on the running one", async () => {
  await oathList(plain, around, print);
  const uriFile = secretFile(`${URI}\n`);
  await oathAdd(undefined, { ...add, uriFile }, around, nothing, print);
  await oathCode("alice", plain, around, print);
  await start();
  await oathList(plain, around, print);
  await oathCode("alice", plain, around, print);
  expect(printed).toEqual([
    "There are no OATH accounts.",
    "Added Example:alice  hotp, SHA1, 6 digits",
    "755224",
    "Example:alice  hotp, SHA1, 6 digits",
    "287082",
  ]);
});

it("takes a URI from standard input, from the terminal unseen, or from the command line", async () => {
  await start();
  const input = Readable.from([Buffer.from(URI.slice(0, 20)), `${URI.slice(20)}\n`]);
  await oathAdd(undefined, add, around, input, print);
  await oathAdd("-", { ...add, replace: true }, around, Readable.from([URI]), print);
  const terminal = { input: new PassThrough(), output: new PassThrough() };
  const asked = oathAdd(undefined, { ...add, replace: true, touch: true }, { ...around, terminal }, nothing, print);
  terminal.input.write(`${URI}\n`);
  await asked;
  expect(terminal.output.read().toString()).toBe("otpauth:// URI: \n");
  await oathAdd("otpauth://totp/b%1b%5b2J?secret=GE&period=60", add, around, nothing, print);
  expect(printed.slice(2)).toEqual([
    "Added Example:alice  hotp, SHA1, 6 digits, with a touch",
    "Added 60/b\ufffd[2J  totp of 60 s, SHA1, 6 digits",
  ]);
});

it("says what is wrong, and nothing of the secret", async () => {
  await start();
  const refuse = (uri: string | undefined, options: object, input = nothing) =>
    oathAdd(uri, { ...add, ...options }, around, input, print);
  await expect(refuse(undefined, {})).rejects.toThrow("That is not an otpauth:// URI");
  await expect(refuse(URI, { uriFile: "x" })).rejects.toThrow("Give a URI or --uri-file, not both.");
  await expect(refuse(undefined, {}, Readable.from(["x".repeat(5000)]))).rejects.toThrow("too long");
  const open = join(env.XDG_RUNTIME_DIR ?? "", "open");
  writeFileSync(open, URI);
  chmodSync(open, 0o644);
  await expect(refuse(undefined, { uriFile: open })).rejects.toThrow("chmod 600");
  await refuse(URI, {});
  await expect(refuse(URI, {})).rejects.toThrow("replace it with --replace.");
  await expect(oathCode("bob", plain, around, print)).rejects.toThrow('"latchkey oath list" shows them.');
  await expect(oathReset({ ...plain, yes: false }, around, print)).rejects.toThrow("say --yes if you mean it.");
});

it("cannot ask for a touch on a key that does not run", async () => {
  await oathAdd(URI, { ...add, touch: true }, around, nothing, print);
  await expect(oathCode("alice", plain, around, print)).rejects.toThrow("a key that does not run cannot ask for one.");
});

it("speaks JSON", async () => {
  await start();
  await oathAdd(URI, { ...add, ...json }, around, nothing, print);
  await oathList(json, around, print);
  await oathCode("alice", json, around, print);
  await oathDelete("Example:alice", json, around, print);
  await oathReset({ ...json, yes: true }, around, print);
  const account = {
    name: "Example:alice",
    issuer: "Example",
    account: "alice",
    type: "hotp",
    algorithm: "SHA1",
    digits: 6,
    period: null,
    touch: false,
  };
  expect(printed.map((line) => JSON.parse(line))).toEqual([
    { added: account },
    { accounts: [account] },
    { name: "Example:alice", code: "755224", validUntil: null },
    { deleted: account },
    { erased: 0 },
  ]);
});

it("deletes and resets", async () => {
  await start();
  await oathAdd(URI, add, around, nothing, print);
  await oathDelete("Example:alice", plain, around, print);
  await oathAdd(URI, add, around, nothing, print);
  await oathReset({ ...plain, yes: true }, around, print);
  await oathList(plain, around, print);
  expect(printed.slice(1)).toEqual([
    "Deleted Example:alice  hotp, SHA1, 6 digits",
    "Added Example:alice  hotp, SHA1, 6 digits",
    "The OATH part of this key is as new.",
    "There are no OATH accounts.",
  ]);
});
