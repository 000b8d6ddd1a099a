import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PresencePrompt } from "../../src/platform.ts";
import { PendingPresence, PROMPT_MS } from "../../src/presence/pending.ts";

const login: PresencePrompt = { applet: "fido2", action: "sign in", subject: "example.com", account: "alice" };
const register: PresencePrompt = { applet: "u2f", action: "register" };
const never = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("A request waits until it is answered, and an answer settles it alone", async () => {
  const presence = new PendingPresence();
  const first = presence.request(login, never);
  const second = presence.request(register, never);
  const [one, two] = presence.waiting.map(({ id }) => id) as [number, number];

  expect(presence.answer(two, false)).toBe(true);
  expect(await second).toBe("denied");
  expect(presence.waiting.map(({ prompt }) => prompt)).toEqual([login]);

  expect(presence.answer(one, true)).toBe(true);
  expect(await first).toBe("granted");
  expect(presence.waiting).toEqual([]);
  expect(presence.answer(one, true)).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test("A request times out after 30 s and leaves the list", async () => {
  const presence = new PendingPresence();
  const outcome = presence.request(login, never);
  await vi.advanceTimersByTimeAsync(PROMPT_MS - 1);
  expect(presence.waiting).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await outcome).toBe("timeout");
  expect(presence.waiting).toEqual([]);
});

test("An aborted signal cancels its request, before or while it waits", async () => {
  const presence = new PendingPresence();
  expect(await presence.request(login, AbortSignal.abort())).toBe("cancelled");
  expect(presence.waiting).toEqual([]);

  const abort = new AbortController();
  const outcome = presence.request(login, abort.signal);
  abort.abort();
  expect(await outcome).toBe("cancelled");
  expect(presence.waiting).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("Polling opens one prompt, finds it again, and hands its outcome out once", () => {
  const presence = new PendingPresence();
  expect(presence.poll(login, "channel 1")).toBe("pending");
  expect(presence.poll({ ...login }, "channel 1")).toBe("pending");
  expect(presence.waiting).toHaveLength(1);

  presence.answer(presence.waiting[0]?.id ?? 0, true);
  expect(presence.poll(login, "channel 1")).toBe("granted");
  expect(presence.poll(login, "channel 1")).toBe("pending");
  expect(presence.waiting).toHaveLength(1);
});

test("A grant belongs to the client and the prompt that it was given for", () => {
  const presence = new PendingPresence();
  presence.poll(login, "channel 1");
  presence.answer(presence.waiting[0]?.id ?? 0, true);

  expect(presence.poll(login, "channel 2")).toBe("pending");
  expect(presence.poll({ ...login, subject: "example.org" }, "channel 1")).toBe("pending");
  expect(presence.poll(login, "channel 1")).toBe("granted");
});

test("A grant that nobody fetches is forgotten after 10 s", () => {
  const presence = new PendingPresence();
  presence.poll(login, "channel 1");
  presence.answer(presence.waiting[0]?.id ?? 0, true);
  vi.advanceTimersByTime(10_000);
  expect(presence.poll(login, "channel 1")).toBe("pending");
});

test("A denial and a time-out are handed out by polling, too", () => {
  const presence = new PendingPresence();
  presence.poll(login, "channel 1");
  presence.answer(presence.waiting[0]?.id ?? 0, false);
  expect(presence.poll(login, "channel 1")).toBe("denied");

  for (let elapsed = 0; elapsed < PROMPT_MS; elapsed += 1_000) {
    expect(presence.poll(login, "channel 1")).toBe("pending");
    vi.advanceTimersByTime(1_000);
  }
  expect(presence.poll(login, "channel 1")).toBe("timeout");
});

test("A prompt is withdrawn when its client stops polling", () => {
  const presence = new PendingPresence();
  presence.poll(login, "channel 1");
  vi.advanceTimersByTime(4_999);
  presence.poll(login, "channel 1");
  vi.advanceTimersByTime(4_999);
  expect(presence.waiting).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(presence.waiting).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("No more than 64 prompts are polled for at once; what comes on top is asked when there is room", () => {
  const presence = new PendingPresence();
  const poll = (n: number) => presence.poll({ ...login, subject: `${n}.example` }, "channel 1");
  for (let n = 0; n < 70; n++) expect(poll(n)).toBe("pending");
  expect(presence.waiting).toHaveLength(64);
  presence.answer(presence.waiting[0]?.id ?? 0, true);
  expect(poll(0)).toBe("granted");
  expect(poll(69)).toBe("pending");
  expect(presence.waiting.at(-1)?.prompt.subject).toBe("69.example");
});

test("A reset withdraws what is asked and forgets what was granted", async () => {
  const presence = new PendingPresence();
  presence.poll(register, "channel 1");
  presence.answer(presence.waiting[0]?.id ?? 0, true);
  presence.poll(login, "channel 1");
  const outcome = presence.request(login, never);

  presence.reset();
  expect(await outcome).toBe("cancelled");
  expect(presence.waiting).toEqual([]);
  expect(presence.poll(register, "channel 1")).toBe("pending");
  expect(presence.poll(login, "channel 1")).toBe("pending");
  presence.reset();
  expect(vi.getTimerCount()).toBe(0);
});

test("A listener hears every prompt and every outcome until it leaves", () => {
  const presence = new PendingPresence();
  const heard: string[] = [];
  const leave = presence.subscribe((event) =>
    heard.push(event.kind === "asked" ? `asked ${event.waiting.prompt.action}` : event.outcome),
  );
  presence.poll(login, "channel 1");
  presence.answer(presence.waiting[0]?.id ?? 0, true);
  leave();
  presence.poll(register, "channel 1");
  expect(heard).toEqual(["asked sign in", "granted"]);
  presence.reset();
});

test("A listener may answer the moment it hears of a prompt", async () => {
  const presence = new PendingPresence();
  presence.subscribe((event) => event.kind === "asked" && presence.answer(event.waiting.id, true));
  expect(await presence.request(login, never)).toBe("granted");
  expect(presence.poll(login, "channel 1")).toBe("granted");
  expect(presence.poll(login, "channel 1")).toBe("granted");
  expect(presence.waiting).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
