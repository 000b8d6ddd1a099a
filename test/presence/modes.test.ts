import { expect, test } from "vitest";
import { createLogger } from "../../src/log.ts";
import type { PresencePrompt } from "../../src/platform.ts";
import { autoPresence } from "../../src/presence/auto.ts";
import { denyPresence } from "../../src/presence/deny.ts";
import { loggedPresence } from "../../src/presence/logged.ts";
import { defaultTouchMode } from "../../src/presence/mode.ts";
import { PendingPresence } from "../../src/presence/pending.ts";

const prompt: PresencePrompt = { applet: "fido2", action: "reset" };
const never = new AbortController().signal;

test("auto grants and deny denies, at once, asked or polled", async () => {
  expect(await autoPresence.request(prompt, never)).toBe("granted");
  expect(autoPresence.poll(prompt, "channel 1")).toBe("granted");
  expect(await denyPresence.request(prompt, never)).toBe("denied");
  expect(denyPresence.poll(prompt, "channel 1")).toBe("denied");
});

test("auto cannot say who somebody is, but does not mind how long a touch has to be", async () => {
  expect(await autoPresence.request({ ...prompt, verification: true }, never)).toBe("denied");
  expect(await autoPresence.request({ ...prompt, long: true }, never)).toBe("granted");
});

test("A request that was cancelled before it was asked is cancelled, not answered", async () => {
  expect(await autoPresence.request(prompt, AbortSignal.abort())).toBe("cancelled");
  expect(await denyPresence.request(prompt, AbortSignal.abort())).toBe("cancelled");
});

test("The default asks at a terminal; without one only a key that forgets everything grants unseen", () => {
  expect(defaultTouchMode(true, true)).toBe("ask");
  expect(defaultTouchMode(true, false)).toBe("ask");
  expect(defaultTouchMode(false, true)).toBe("auto");
  expect(defaultTouchMode(false, false)).toBe("deny");
});

test("The log says every outcome once, and nothing of a poll that is still pending", async () => {
  const lines: string[] = [];
  const pending = new PendingPresence();
  const log = createLogger("info", (line) => lines.push(line.replace(/^\S+ /, "")));
  const presence = loggedPresence(pending, log);

  expect(presence.poll(prompt, "channel 1")).toBe("pending");
  pending.answer(pending.waiting[0]?.id ?? 0, true);
  expect(presence.poll(prompt, "channel 1")).toBe("granted");
  await loggedPresence(denyPresence, log).request({ ...prompt, subject: "example.com" }, never);
  expect(lines).toEqual(["info fido2: reset: granted", 'info fido2: reset for "example.com": denied']);

  presence.poll(prompt, "channel 1");
  presence.reset();
  expect(pending.waiting).toEqual([]);
});
