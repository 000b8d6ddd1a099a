import { expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import type { Applet } from "../../src/iso7816/applet.ts";
import { ApduDispatcher } from "../../src/iso7816/dispatcher.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";

/** Remembers what it is told; INS 01 answers with P1P2 bytes, 02 with its data, 03 with data and 6282, 04 fails. */
class RecordingApplet implements Applet {
  readonly name: string;
  readonly aid: Uint8Array;
  readonly getResponseInstruction?: number;
  wrongClass?: StatusWord;
  readonly calls: string[] = [];
  selecting = async (): Promise<Uint8Array> => fromHex("5a");

  constructor(aid: string, getResponseInstruction?: number) {
    this.name = aid;
    this.aid = fromHex(aid);
    if (getResponseInstruction !== undefined) this.getResponseInstruction = getResponseInstruction;
  }

  select(): Promise<Uint8Array> {
    this.calls.push("select");
    return this.selecting();
  }

  async process(apdu: CommandApdu): Promise<Uint8Array> {
    this.calls.push(`${apdu.cla.toString(16)} ${apdu.ins.toString(16)} ${toHex(apdu.data)}`);
    switch (apdu.ins) {
      case 0x01:
        return Uint8Array.from({ length: apdu.p1 * 256 + apdu.p2 }, (_, index) => index);
      case 0x02:
        return apdu.data;
      case 0x03:
        throw new StatusError(0x6282, new Uint8Array(300));
      case 0x04:
        throw new TypeError("oops");
      default:
        throw new StatusError(StatusWord.INS_NOT_SUPPORTED);
    }
  }

  deselect(): void {
    this.calls.push("deselect");
  }
}

function createCard() {
  const first = new RecordingApplet("a00000000101");
  const second = new RecordingApplet("a00000000102", 0xa5);
  const { log, lines } = createTestPlatform();
  let applets = [first, second];
  const disable = (applet: RecordingApplet) => {
    applets = applets.filter((one) => one !== applet);
  };
  const dispatcher = new ApduDispatcher(() => applets, log);
  const send = async (hex: string) => toHex(await dispatcher.exchange(fromHex(hex), createTestTransport()));
  return { first, second, dispatcher, send, lines, disable };
}

async function selectedCard() {
  const card = createCard();
  await card.send("00a4040006a00000000101");
  card.first.calls.length = 0;
  return card;
}

test("Nothing but SELECT works before an applet is selected", async () => {
  const { send, first } = createCard();
  expect(await send("00010001")).toBe("6d00");
  expect(await send("00a4040006a00000000101")).toBe("5a9000");
  expect(await send("0001000100")).toBe("009000");
  expect(first.calls).toEqual(["select", "0 1 "]);
});

test("SELECT takes a full AID and a right-truncated one, the first that fits", async () => {
  const { send, first, second } = createCard();
  expect(await send("00a4040005a000000001")).toBe("5a9000");
  expect(first.calls).toEqual(["select"]);
  expect(await send("00a4040006a0000000010200")).toBe("5a9000");
  expect(second.calls).toEqual(["select"]);
});

test.each(["00a4040007a0000000010100", "00a4040004a0000000", "00a40400", "00a4040006b00000000101"])(
  "An AID that is longer, shorter than five bytes, empty or unknown is not found, and the old applet stays: %s",
  async (select) => {
    const { send, first } = await selectedCard();
    expect(await send(select)).toBe("6a82");
    expect(await send("0001000100")).toBe("009000");
    expect(first.calls).toEqual(["0 1 "]);
  },
);

test("The old applet is deselected before the new one is selected; the same one again decides for itself", async () => {
  const { send, first, second } = await selectedCard();
  second.selecting = async () => {
    expect(first.calls).toEqual(["deselect"]);
    return fromHex("5b");
  };
  expect(await send("00a4040006a00000000102")).toBe("5b9000");
  await send("00a4040006a00000000102");
  expect(second.calls).toEqual(["select", "select"]);
});

test("SELECT without control information answers nothing, and other occurrences are refused", async () => {
  const { send } = createCard();
  expect(await send("00a4040c06a00000000101")).toBe("9000");
  expect(await send("00a4040206a00000000101")).toBe("6a86");
});

test("A select that fails leaves the applet selected and says why", async () => {
  const { send, first } = createCard();
  first.selecting = () => Promise.reject(new StatusError(StatusWord.TERMINATION_STATE));
  expect(await send("00a4040006a00000000101")).toBe("6285");
  expect(await send("0001000100")).toBe("009000");
});

test("A reset deselects, and drops chains and what waits for GET RESPONSE", async () => {
  const { send, first, dispatcher } = await selectedCard();
  await send("0001010100");
  dispatcher.reset();
  expect(first.calls.at(-1)).toBe("deselect");
  expect(await send("00c00000")).toBe("6d00");
});

test("After a warm reset a command finds the applet that was selected, as new", async () => {
  const { send, first, dispatcher } = await selectedCard();
  dispatcher.reset(true);
  expect(dispatcher.selected).toBeUndefined();
  dispatcher.reset(true);
  expect(await send("0001000100")).toBe("009000");
  expect(first.calls).toEqual(["deselect", "0 1 "]);
  expect(dispatcher.selected).toBe(first);
});

test("After a warm reset a SELECT that is not by AID is still refused as without an applet: GnuPG looks at that", async () => {
  const { send, dispatcher } = await selectedCard();
  dispatcher.reset(true);
  expect(await send("00a4000c023f00")).toBe("6d00");
  expect(await send("00a4040006a00000000102")).toBe("5a9000");
  expect(dispatcher.selected?.name).toBe("a00000000102");
});

test("An applet that was disabled before a warm reset answers nothing after it, and none does after a cold one", async () => {
  const { first, dispatcher, send, disable } = await selectedCard();
  dispatcher.reset(true);
  disable(first);
  expect(await send("0001000100")).toBe("6d00");
  await send("00a4040006a00000000102");
  dispatcher.reset(true);
  dispatcher.reset();
  expect(await send("0001000100")).toBe("6d00");
});

test.each([
  ["0101000100", "6881", "logical channel 1"],
  ["4001000100", "6881", "logical channel 4"],
  ["0c01000100", "6882", "secure messaging"],
  ["2001000100", "6e00", "a reserved class"],
  ["ff01000100", "6e00", "the invalid class"],
  ["0070000001", "6881", "MANAGE CHANNEL"],
])("%s is answered %s: %s", async (command, answer) => {
  const { send, first } = await selectedCard();
  expect(await send(command)).toBe(answer);
  expect(first.calls).toEqual([]);
});

test("An applet whose specification has a word of its own for a class gives that, once it is selected", async () => {
  const { send, first, second } = await selectedCard();
  second.wrongClass = StatusWord.CLA_NOT_SUPPORTED;
  expect(await send("0102000001aa")).toBe("6881");
  await send("00a4040006a00000000102");
  expect([await send("0102000001aa"), await send("0c02000001aa")]).toEqual(["6e00", "6e00"]);
  expect([first.calls, second.calls]).toEqual([["deselect"], ["select"]]);
});

test("A proprietary class reaches the applet as it is", async () => {
  const { send, first } = await selectedCard();
  await send("8002000001aa");
  expect(first.calls).toEqual(["80 2 aa"]);
});

test("A chain reaches the applet as one command, without the chaining bit", async () => {
  const { send, first } = await selectedCard();
  expect(await send("1002000002aabb")).toBe("9000");
  expect(await send("1002000001cc")).toBe("9000");
  expect(await send("0002000001dd00")).toBe("aabbccdd9000");
  expect(first.calls).toEqual(["0 2 aabbccdd"]);
});

test("SELECT may be chained, too", async () => {
  const { send, second } = createCard();
  expect(await send("10a4040003a00000")).toBe("9000");
  expect(await send("00a4040003000102")).toBe("5a9000");
  expect(second.calls).toEqual(["select"]);
});

test("Another command in the middle of a chain is refused and ends the chain, be it the start of one or not", async () => {
  const { send, first } = await selectedCard();
  await send("1002000002aabb");
  expect(await send("0002000101ee00")).toBe("6883");
  expect(await send("0002000101ee00")).toBe("ee9000");
  await send("1002000002aabb");
  expect(await send("1002000101cc")).toBe("6883");
  expect(await send("0002000001dd")).toBe("dd9000");
  expect(first.calls).toEqual(["0 2 ee", "0 2 dd"]);
});

test.each(["0c02000001ee", "0102000001ee", "ff02000001ee", "0002000005ee", "00"])(
  "So does a command of a wrong class or length, %s, which also drops what waits for GET RESPONSE",
  async (command) => {
    const { send } = await selectedCard();
    await send("1002000002aabb");
    expect(await send(command)).toMatch(/^6/);
    expect(await send("0002000001dd")).toBe("dd9000");
    await send("0001010100");
    expect(await send(command)).toMatch(/^6/);
    expect(await send("00c0000000")).toBe("6d00");
  },
);

test("A chain of ever so many empty parts takes no room, and comes to what the last one holds", async () => {
  const { send } = await selectedCard();
  for (let n = 0; n < 130_000; n++) await send("10020000");
  expect(await send("0002000001dd")).toBe("dd9000");
});

test("A SELECT in the middle of a chain is a client that begins", async () => {
  const { send, second } = await selectedCard();
  await send("1002000002aabb");
  expect(await send("00a4040006a00000000102")).toBe("5a9000");
  expect(await send("0002000001cc")).toBe("cc9000");
  expect(second.calls).toEqual(["select", "0 2 cc"]);
});

test("A chain of more than 65,535 bytes is refused, and forgotten", async () => {
  const { send, first } = await selectedCard();
  const part = `10020000 00ffff ${"aa".repeat(0xffff)}`;
  expect(await send(part)).toBe("9000");
  expect(await send("1002000001bb")).toBe("6700");
  expect(await send("0002000001cc")).toBe("cc9000");
  expect(first.calls).toEqual(["0 2 cc"]);
});

test("What is longer than a short Le comes in parts, each saying how much is left", async () => {
  const { send } = await selectedCard();
  const all = toHex(Uint8Array.from({ length: 600 }, (_, index) => index));
  expect(await send("0001025800")).toBe(`${all.slice(0, 512)}6100`);
  expect(await send("00c0000000")).toBe(`${all.slice(512, 1024)}6158`);
  expect(await send("00c0000008")).toBe(`${all.slice(1024, 1040)}6150`);
  expect(await send("00c0000000")).toBe(`${all.slice(1040)}9000`);
});

test("Exactly 256 bytes fit a short command, with an Le of zero or without one", async () => {
  const { send } = await selectedCard();
  expect((await send("0001010000")).slice(-4)).toBe("9000");
  expect((await send("00010100")).slice(-4)).toBe("9000");
  expect((await send("00010101")).slice(-4)).toBe("6101");
});

test("A GET RESPONSE without Le is answered with all that is left", async () => {
  const { send } = await selectedCard();
  await send("0001040000");
  expect((await send("00c00000")).length).toBe((1024 - 256 + 2) * 2);
});

test("An extended Le holds the whole answer, a smaller one what it says", async () => {
  const { send } = await selectedCard();
  expect((await send("00010400000000")).length).toBe((1024 + 2) * 2);
  expect((await send("00010400000010")).slice(-4)).toBe("6100");
});

test("No answer is longer than a reader can carry, whatever the command allows", async () => {
  const { send } = await selectedCard();
  for (const command of ["0001ffff000000", "0001ffff000001aa"]) {
    const answer = await send(command);
    expect(answer.length).toBe((65_533 + 2) * 2);
    expect(answer.slice(-4)).toBe("6102");
    expect(await send("00c00000")).toBe("fdfe9000");
  }
});

test("Any other command drops what was left, and a GET RESPONSE for nothing is the applet's to refuse", async () => {
  const { send, first } = await selectedCard();
  await send("0001010100");
  await send("0001000100");
  expect(await send("00c0000000")).toBe("6d00");
  expect(first.calls.at(-1)).toBe("0 c0 ");
});

test("An error's data comes in parts as well, with its status word at the end", async () => {
  const { send } = await selectedCard();
  expect((await send("0003000000")).slice(-4)).toBe("612c");
  expect((await send("00c000002c")).slice(-4)).toBe("6282");
});

test("An applet may fetch the rest by an instruction of its own", async () => {
  const { send } = createCard();
  await send("00a4040006a00000000102");
  await send("0001010100");
  expect(await send("00a50000")).toBe("009000");
  await send("0001010100");
  expect(await send("00c00000")).toBe("6d00");
});

test("Commands that come at once are answered one after the other", async () => {
  const { send } = await selectedCard();
  const answers = await Promise.all(["0002000001aa", "0002000001bb", "00a4040006a00000000102"].map(send));
  expect(answers).toEqual(["aa9000", "bb9000", "5a9000"]);
});

test("What is no command is answered 6700, and our own mistakes 6F00", async () => {
  const { send, lines } = await selectedCard();
  expect(await send("000100")).toBe("6700");
  expect(await send("00040000")).toBe("6f00");
  expect(lines).toEqual(["error a00000000101 failed: TypeError: oops"]);
});

test("A reset while a command is at work leaves nothing of it behind", async () => {
  const { first, dispatcher, send } = await selectedCard();
  let finish: (data: Uint8Array) => void = () => {};
  first.process = () => new Promise((resolve) => (finish = resolve));
  const working = send("0001000000");
  await new Promise(setImmediate);
  dispatcher.reset();
  expect(first.calls).toEqual(["deselect"]);
  finish(new Uint8Array(300));
  expect(await working).toMatch(/612c$/);
  // The applet forgets what it may have been told meanwhile, and the rest of the answer is gone.
  expect(await send("00c0000000")).toBe("6d00");
  expect(first.calls).toEqual(["deselect", "deselect"]);
  expect(dispatcher.selected).toBeUndefined();
});
