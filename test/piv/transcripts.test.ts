// The scenarios of test/transcripts/piv, each on a card of its own. The card's random bytes are 01 02 03 … in them.
import { describe } from "vitest";
import { testTranscripts } from "../support/transcript.ts";
import { createPivRig } from "./rig.ts";

describe("PIV", () => {
  testTranscripts("piv", () => {
    const { platform, card, exchange } = createPivRig({ isPredictable: true });
    return {
      exchange,
      actions: {
        "the power goes": () => card.reset(),
        "nobody touches in time": () => platform.presence.answer("timeout"),
        "the touch is refused": () => platform.presence.answer("denied"),
        "14 seconds go by": () => platform.clock.advance(14_000),
        "1 second goes by": () => platform.clock.advance(1_000),
      },
    };
  });
});

describe("PIV with PIN complexity", () => {
  testTranscripts("piv-complexity", () => createPivRig({ isPredictable: true, pinComplexity: true }));
});
