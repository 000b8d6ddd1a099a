// Every command of the OATH applet, and every status word, as written in test/transcripts/oath. The answers there were
// computed by another implementation of HMAC and of truncation, Python's.
import { expect } from "vitest";
import { testTranscripts } from "../support/transcript.ts";
import { createOathCard, fill } from "./rig.ts";

testTranscripts("oath", () => {
  const card = createOathCard({ seed: "transcript" });
  const { platform, transport } = card;
  const { presence, store } = platform;
  let asked = 0;
  const expectAsked = (times: number) => {
    expect(presence.prompts.length - asked).toBe(times);
    expect(transport.keepalives.slice(asked * 2)).toEqual(Array(times).fill(["upneeded", "processing"]).flat());
    asked = presence.prompts.length;
  };
  return {
    exchange: card.exchange,
    actions: {
      "the power goes": () => card.card.reset(),
      "a touch was asked for": () => expectAsked(1),
      "no touch was asked for": () => expectAsked(0),
      "the next touch is denied": () => presence.answer("denied"),
      "the next touch times out": () => presence.answer("timeout"),
      "all but one place is taken": () => fill(card, 1),
      "the disk is full": () => store.failNextCommit("no-space"),
      "the disk fails": () => store.failNextCommit("io"),
    },
  };
});
