import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { askNewPassphrase, askPassphrase } from "../../src/cli/ask-passphrase.ts";

/** A terminal that types `keys` as soon as it is asked, and records the echo's state and what is shown. */
function terminal(...keys: string[]) {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { setRawMode: (mode: boolean) => modes.push(mode) });
  const output = new PassThrough();
  let shown = "";
  output.on("data", (data: Buffer) => {
    shown += data.toString();
    const next = data.toString().endsWith(": ") ? keys.shift() : undefined;
    if (next !== undefined) input.write(next);
  });
  return { terminal: { input, output }, modes, shown: () => shown };
}

test("A passphrase is not shown, and the echo comes back", async () => {
  const { terminal: console, modes, shown } = terminal("opensesame\r");
  expect(await askPassphrase(console, "Passphrase: ")).toBe("opensesame");
  expect(modes).toEqual([true, false]);
  expect(shown()).toBe("Passphrase: \n");
});

test("What is typed can be corrected, letters of several bytes too", async () => {
  expect(await askPassphrase(terminal("nonsense\x15caf\u00e8\x7f\u00e9\n").terminal, "Passphrase: ")).toBe("caf\u00e9");
});

test.each([
  ["Ctrl-C", "secret\x03"],
  ["Ctrl-D", "\x04"],
])("%s gives up without a passphrase", async (_name, keys) => {
  await expect(askPassphrase(terminal(keys).terminal, "Passphrase: ")).rejects.toThrow("No passphrase was given.");
});

test("Told to stop, it asks no more, and the echo comes back", async () => {
  const stopping = new AbortController();
  const { terminal: console, modes } = terminal("secret");
  const asked = askPassphrase({ ...console, signal: stopping.signal }, "Passphrase: ");
  stopping.abort();
  await expect(asked).rejects.toThrow("No passphrase was given.");
  expect(modes).toEqual([true, false]);
  const again = askPassphrase({ ...console, signal: stopping.signal }, "Passphrase: ");
  await expect(again).rejects.toThrow("No passphrase was given.");
});

test("A terminal that is gone gives no passphrase, and fails nothing else", async () => {
  const input = new PassThrough();
  const gone = new Error("EIO");
  const setRawMode = (mode: boolean) => mode || input.emit("error", gone);
  const asked = askPassphrase(
    { input: Object.assign(input, { setRawMode }), output: new PassThrough() },
    "PIN: ",
    "PIN",
  );
  input.emit("error", gone);
  await expect(asked).rejects.toThrow("No PIN was given.");
});

test("A new passphrase is asked for until it was typed twice alike", async () => {
  const typed = terminal("one\n", "two\n", "three\n", "three\n");
  expect(await askNewPassphrase(typed.terminal, "New passphrase: ")).toBe("three");
  expect(await askNewPassphrase(terminal("\n").terminal, "New passphrase: ")).toBeUndefined();
});
