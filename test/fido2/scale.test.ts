// What an assertion costs does not depend on how many credentials there are. What could grow with them is counted; the
// time has a wide margin, since the machine is not ours alone.
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CoseAlgorithm } from "../../applets/fido2/cose-key.ts";
import { Credential, plainTraits } from "../../applets/fido2/credential.ts";
import { encodeCredentialRecord } from "../../applets/fido2/credential-record.ts";
import type { CborMap } from "../../src/cbor.ts";
import { P256 } from "../../src/crypto/curves.ts";
import { generateEcKeyPair } from "../../src/crypto/ec-key.ts";
import { Command, descriptor, getAssertionParameters, send, sha256 } from "../support/fido-client.ts";
import { createTestPlatform } from "../support/platform.ts";

/** A key with that many accounts of one relying party, put into its store as it would have put them. */
async function withAccounts(count: number) {
  const platform = createTestPlatform();
  const { privateKey } = generateEcKeyPair(P256);
  const records: Record<string, Uint8Array> = {};
  const rp = { id: "example.com", name: undefined };
  for (let created = 1; created <= count; created++) {
    const id = sha256(`credential ${created}`);
    const user = { id: Buffer.from(`user ${created}`), name: undefined, displayName: undefined };
    const account = { rp, user, created };
    const fields = { id, rpIdHash: sha256(rp.id), algorithm: CoseAlgorithm.ES256, privateKey, traits: plainTraits };
    const key = `fido2/credential/${Buffer.from(id).toString("hex")}`;
    records[key] = encodeCredentialRecord(new Credential({ ...fields, account }), account);
  }
  await platform.store.commit(records);
  return { authenticator: new Fido2Authenticator(platform), platform };
}

type Rig = Awaited<ReturnType<typeof withAccounts>>;

let few: Rig;
let many: Rig;

beforeAll(async () => {
  few = await withAccounts(10);
  many = await withAccounts(10_000);
});

beforeEach(() => void vi.restoreAllMocks());

/** Milliseconds of processor time for one assertion: what else the machine does is not in it. */
async function timeAssertions(rig: Rig, times: number, request: CborMap): Promise<number> {
  const begun = process.cpuUsage();
  for (let i = 0; i < times; i++) {
    const { status } = await send(rig.authenticator, Command.GET_ASSERTION, request);
    expect(status).toBe(0);
  }
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000 / times;
}

const requests = [
  ["by id", getAssertionParameters({ 3: [descriptor(sha256("credential 5"))] })],
  ["without a list", getAssertionParameters()],
] as const;

test.each(requests)(
  "An assertion %s with 10,000 accounts takes no longer than with 10, give or take",
  async (_how, request) => {
    const least = { few: Number.POSITIVE_INFINITY, many: Number.POSITIVE_INFINITY };
    for (let round = 0; round < 8; round++) {
      least.few = Math.min(least.few, await timeAssertions(few, 25, request));
      least.many = Math.min(least.many, await timeAssertions(many, 25, request));
    }
    expect(least.many).toBeLessThan(least.few * 3);
  },
);

test.each(requests)(
  "An assertion %s among 10,000 accounts reads no record and looks at one credential",
  async (_how, request) => {
    const rig = many;
    await send(rig.authenticator, Command.GET_ASSERTION, request); // the first makes the list of accounts
    const read = vi.spyOn(rig.platform.store, "get");
    const looked = vi.spyOn(Credential.prototype, "isVisible");
    expect((await send(rig.authenticator, Command.GET_ASSERTION, request)).status).toBe(0);
    expect(read.mock.calls.filter(([key]) => key.startsWith("fido2/credential/"))).toEqual([]);
    expect(looked.mock.calls.length).toBeLessThanOrEqual(1);
    const list = () => rig.authenticator.credentials.findDiscoverable(sha256("example.com"), false);
    expect(list()).toBe(list());
  },
);

test("A credential is saved among 10,000 without touching the records of the others", async () => {
  const { authenticator, platform } = many;
  const { credentials } = authenticator;
  const read = vi.spyOn(platform.store, "get");
  const rp = { id: "example.com", name: undefined };
  const user = { id: Buffer.from("user 4711"), name: undefined, displayName: undefined };
  await credentials.save(credentials.createDiscoverable(rp, user, CoseAlgorithm.ES256).credential);
  expect(read.mock.calls.filter(([key]) => key.startsWith("fido2/credential/"))).toEqual([]);
  expect(credentials.discoverableCount).toBe(10_000);
  expect(credentials.findDiscoverable(sha256("example.com")).at(-1)?.account?.user.id).toEqual(
    Uint8Array.from(user.id),
  );
});
