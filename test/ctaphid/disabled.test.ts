// A FIDO interface with one of its two protocols off. CTAP 2.3 §11.2.9.1.3
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BROADCAST, Command, parseInitReply } from "../support/ctaphid-client.ts";
import { error, NONCE, NOTHING, Rig } from "./rig.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ["CTAPHID_CBOR", "cbor", Command.CBOR, 0x01],
  ["CTAPHID_MSG", "msg", Command.MSG, 0x0d],
] as const)(
  "%s is ERR_INVALID_CMD where it is off, and CTAPHID_INIT says that it is",
  async (_, member, command, capabilities) => {
    const rig = new Rig({ [member]: undefined });
    const [reply] = await rig.exchange(BROADCAST, Command.INIT, NONCE);
    const init = parseInitReply(reply?.data ?? NOTHING);
    expect(init.capabilities).toBe(capabilities);
    expect(await rig.exchange(init.channel, command, Buffer.of(4))).toEqual([error(init.channel, 0x01)]);
  },
);
