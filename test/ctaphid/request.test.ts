import { expect, test } from "vitest";
import { Request } from "../../src/ctaphid/request.ts";

test("A request's signal is one and the same, and aborts with the request", () => {
  const request = new Request({ channel: 1, command: 0x10 });
  const { signal } = request;
  expect(request.signal).toBe(signal);
  expect(signal.aborted).toBe(false);
  request.cancel();
  expect(signal.aborted).toBe(true);
});

test("Who first looks at the signal of a cancelled request finds it aborted", () => {
  const request = new Request({ channel: 1, command: 0x10 });
  request.cancel();
  expect(request.signal.aborted).toBe(true);
});
