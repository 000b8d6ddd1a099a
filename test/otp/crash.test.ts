// A crash in the middle of a command that writes: the slots are as before it, or as after it; counters never go back.
import { join } from "node:path";
import { expect, it } from "vitest";
import type { FileKeyStore } from "../../keystore/file-keystore.ts";
import { FileKeyStore as Stores } from "../../keystore/file-keystore.ts";
import { expectOldOrNew } from "../support/crash-sweep.ts";
import { createTestPlatform } from "../support/platform.ts";
import { keyFileSecret, storeDirectory } from "../support/store-directory.ts";
import { hotpConfig, makeOtp, yubicoConfig } from "./rig.ts";

const directory = storeDirectory();

function open(store: FileKeyStore) {
  return makeOtp({ ...createTestPlatform(), store } as unknown as ReturnType<typeof createTestPlatform>);
}

async function fill(store: FileKeyStore): Promise<void> {
  const otp = open(store);
  await otp.configure(1, hotpConfig);
  await otp.configure(2, yubicoConfig);
}

it("of a configuration, an update and a deletion", async () => {
  await expectOldOrNew(join(directory, "configure"), fill, async (store) => {
    expect(await open(store).configure(1, yubicoConfig)).toMatch(/9000$/);
  });
  await expectOldOrNew(join(directory, "delete"), fill, async (store) => {
    expect(await open(store).command(0x01, new Uint8Array(58))).toMatch(/9000$/);
  });
});

it("of a swap, which writes both slots", async () => {
  await expectOldOrNew(join(directory, "swap"), fill, async (store) => {
    expect(await open(store).command(0x06)).toMatch(/9000$/);
  });
});

it("of a reset", async () => {
  await expectOldOrNew(join(directory, "reset"), fill, (store) => open(store).otp.reset());
});

it("of a touch: the code was not typed, or its counter is used up", async () => {
  await expectOldOrNew(join(directory, "touch"), fill, async (store) => {
    expect(await open(store).touch(1)).toBe("755224");
  });
  const reopened = await Stores.open(join(directory, "touch"), keyFileSecret);
  expect(await open(reopened).touch(1)).toBe("287082");
  await reopened.close();
});
