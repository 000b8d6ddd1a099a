// A card with the PIV applet, and one other to select in between; its clock, its person and its store are a test's.
import { PivApplet } from "../../applets/piv/applet.ts";
import type { PivOptions } from "../../applets/piv/context.ts";
import type { Store } from "../../keystore/index.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import type { Applet } from "../../src/iso7816/applet.ts";
import { ApduDispatcher } from "../../src/iso7816/dispatcher.ts";
import { PivClient } from "../support/piv-client.ts";
import { createTestPlatform, createTestTransport, type TestPlatform } from "../support/platform.ts";

const otherApplet: Applet = {
  name: "other",
  aid: fromHex("a0000001510000"),
  select: async () => new Uint8Array(0),
  process: async () => new Uint8Array(0),
  deselect: () => {},
};

export interface PivRig {
  readonly platform: TestPlatform;
  readonly applet: PivApplet;
  readonly card: ApduDispatcher;
  readonly client: PivClient;
  readonly exchange: (command: Uint8Array) => Promise<Uint8Array>;
  /** A command and its answer in hexadecimal. */
  readonly send: (hex: string) => Promise<string>;
}

export interface PivRigOptions extends Partial<PivOptions> {
  readonly store?: Store;
  /** The card's challenges then are 01 02 03 …, as the transcripts have them. */
  readonly isPredictable?: boolean;
}

/** Nothing is selected yet. */
export function createPivRig({ store, isPredictable = false, ...options }: PivRigOptions = {}): PivRig {
  const platform = createTestPlatform();
  const applet = new PivApplet(
    {
      ...platform,
      store: store ?? platform.store,
      ...(isPredictable && { randomBytes: (length: number) => Uint8Array.from({ length }, (_, i) => i + 1) }),
    },
    options,
  );
  const card = new ApduDispatcher(() => [otherApplet, applet], platform.log);
  const exchange = (command: Uint8Array) => card.exchange(command, createTestTransport());
  const send = async (hex: string) => toHex(await exchange(fromHex(hex)));
  return { platform, applet, card, client: new PivClient(exchange), exchange, send };
}

/** Selected. */
export async function createSelectedPiv(options?: PivRigOptions): Promise<PivRig> {
  const rig = createPivRig(options);
  await rig.client.select();
  return rig;
}
