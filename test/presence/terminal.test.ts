import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PresencePrompt } from "../../src/platform.ts";
import { PendingPresence, PROMPT_MS } from "../../src/presence/pending.ts";
import { answerAtTerminal } from "../../src/presence/terminal.ts";

const login: PresencePrompt = { applet: "fido2", action: "sign in", subject: "example.com", account: "alice" };
const register: PresencePrompt = { applet: "u2f", action: "register" };
const never = new AbortController().signal;

let presence: PendingPresence;
let input: PassThrough;
let output: PassThrough;
let stop: () => void;

/** What the terminal shows since it was last looked at. */
const shown = () => (output.read() as Buffer | null)?.toString() ?? "";

beforeEach(() => {
  presence = new PendingPresence();
  input = new PassThrough();
  output = new PassThrough();
  stop = answerAtTerminal(presence, { input, output });
});
afterEach(() => {
  stop();
  presence.reset();
  vi.useRealTimers();
});

test("The prompt names the applet, the action, the site and the account; Enter grants", async () => {
  const outcome = presence.request(login, never);
  expect(shown()).toBe('Touch? fido2: sign in for "example.com" as "alice"  [Enter grants, n denies] ');
  input.write("\n");
  expect(await outcome).toBe("granted");
  expect(shown()).toBe("granted\n");
});

test("n denies, in either case", async () => {
  const first = presence.request(login, never);
  input.write("n\n");
  expect(await first).toBe("denied");
  const second = presence.request(login, never);
  input.write("NO\r\n");
  expect(await second).toBe("denied");
});

test("Anything else is asked again", async () => {
  const outcome = presence.request(login, never);
  input.write("what?\n");
  await vi.waitFor(() => expect(shown()).toContain("Enter alone grants"));
  input.write("y\n");
  expect(await outcome).toBe("granted");
});

test.each([
  ["who somebody is", { verification: true }, "Is it you? "],
  ["a long touch", { long: true }, "Touch? "],
])("%s takes a yes that was typed", async (_what, kind, question) => {
  const outcome = presence.request({ ...login, ...kind }, never);
  expect(shown()).toBe(`${question}fido2: sign in for "example.com" as "alice"  [yes and Enter grants, n denies] `);
  input.write("\n");
  await vi.waitFor(() => expect(shown()).toContain("yes and Enter grants"));
  input.write("y\n");
  await vi.waitFor(() => expect(shown()).toContain("yes and Enter grants"));
  expect(presence.waiting).toHaveLength(1);
  input.write("yes\n");
  expect(await outcome).toBe("granted");
  const touch = presence.request(login, never);
  input.write("\n");
  expect(await touch).toBe("granted");
});

test("Several prompts are shown one after the other, oldest first", async () => {
  const first = presence.request(login, never);
  const second = presence.request(register, never);
  expect(shown()).not.toContain("u2f");
  input.write("\n");
  expect(await first).toBe("granted");
  expect(shown()).toContain("Touch? u2f: register  [");
  input.write("n\n");
  expect(await second).toBe("denied");
});

test("Enter pressed before a prompt, or twice on one, grants nothing that was not on the screen", async () => {
  input.write("\n\n");
  await new Promise(setImmediate);
  const first = presence.request(login, never);
  await new Promise(setImmediate);
  expect(presence.waiting).toHaveLength(1);

  const second = presence.request(register, never);
  input.write("\n\n\n");
  expect(await first).toBe("granted");
  await new Promise(setImmediate);
  expect(presence.waiting.map(({ prompt }) => prompt)).toEqual([register]);
  presence.reset();
  expect(await second).toBe("cancelled");
});

test("A line that arrives in pieces is one answer, and counts only for the prompt that it began under", async () => {
  const first = presence.request(login, never);
  input.write("n");
  await new Promise(setImmediate);
  input.write("o\n");
  expect(await first).toBe("denied");

  input.write("y");
  await new Promise(setImmediate);
  const second = presence.request(login, never);
  input.write("\n");
  await new Promise(setImmediate);
  expect(presence.waiting).toHaveLength(1);
  input.write("\n");
  expect(await second).toBe("granted");
});

test("A prompt that times out says so on its line", async () => {
  vi.useFakeTimers();
  const outcome = presence.request(login, never);
  shown();
  await vi.advanceTimersByTimeAsync(PROMPT_MS);
  expect(await outcome).toBe("timeout");
  expect(shown()).toBe("timeout\n");
});

test("What a relying party sends cannot move the cursor, reorder the line or fill the screen", () => {
  presence.poll({ ...login, subject: "a\u001b[2J\n\u202eb", account: "x".repeat(500) }, "channel 1");
  const text = shown();
  expect(text).toContain('for "a\u{fffd}[2J\u{fffd}\u{fffd}b" as "');
  expect(text.length).toBeLessThan(200);
});

test("The end of the input is said, because nobody can answer from then on", async () => {
  input.end();
  await vi.waitFor(() => expect(shown()).toContain("nobody can answer here"));
});
