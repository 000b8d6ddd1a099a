// The scenarios in test/transcripts/openpgp, each on a new card.
import { expect } from "vitest";
import { OpenPgpCard } from "../support/openpgp-client.ts";
import { createTestPlatform } from "../support/platform.ts";
import { testTranscripts } from "../support/transcript.ts";

testTranscripts("openpgp", () => {
  const platform = createTestPlatform();
  const card = new OpenPgpCard(platform);
  let seen = 0;
  const touches = () => {
    const asked = platform.presence.prompts.length - seen;
    seen += asked;
    return asked;
  };
  return {
    exchange: (command) => card.exchange(command),
    actions: {
      "the next touch is denied": () => platform.presence.answer("denied"),
      "the next touch times out": () => platform.presence.answer("timeout"),
      "a touch was asked for": () => expect(touches()).toBe(1),
      "no touch was asked for": () => expect(touches()).toBe(0),
      "the disk is full": () => platform.store.failNextCommit("no-space"),
      "the disk fails": () => platform.store.failNextCommit("io"),
      "16 s pass": () => platform.clock.advance(16_000),
      "the power goes": () => card.dispatcher.reset(),
      "another application is selected": () => card.applet.deselect(),
    },
  };
});
