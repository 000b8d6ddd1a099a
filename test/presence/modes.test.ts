import { expect, test } from "vitest";
import type { PresencePrompt } from "../../src/platform.ts";
import { autoPresence } from "../../src/presence/auto.ts";
import { denyPresence } from "../../src/presence/deny.ts";
import { defaultTouchMode } from "../../src/presence/mode.ts";
import { observedPresence } from "../../src/presence/observed.ts";
import { PendingPresence, type PresenceEvent } from "../../src/presence/pending.ts";

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

test("Whoever observes is told of every prompt and its outcome once, and of no poll that is still pending", async () => {
  const told: string[] = [];
  const tell = ({ waiting, ...event }: PresenceEvent) => {
    told.push(`${waiting.id} ${waiting.prompt.subject} ${event.kind === "settled" ? event.outcome : event.kind}`);
  };
  const pending = new PendingPresence();
  const presence = observedPresence(pending, tell);

  expect(presence.poll(prompt, "channel 1")).toBe("pending");
  expect(told).toEqual([]);
  pending.answer(pending.waiting[0]?.id ?? 0, true);
  expect(presence.poll(prompt, "channel 1")).toBe("granted");
  const denied = observedPresence(denyPresence, tell);
  await denied.request({ ...prompt, subject: "example.com" }, never);
  await denied.request({ ...prompt, subject: "example.org" }, never);
  expect(told).toEqual([
    "1 undefined asked",
    "1 undefined granted",
    "1 example.com asked",
    "1 example.com denied",
    "2 example.org asked",
    "2 example.org denied",
  ]);

  presence.poll(prompt, "channel 1");
  presence.reset();
  expect(pending.waiting).toEqual([]);
});
