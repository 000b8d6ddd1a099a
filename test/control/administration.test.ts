// What the owner of a key may do, once in the key's own process and once through its socket: the same in both.
import { X509Certificate } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { Administration } from "../../src/control/messages.ts";
import { Command, cborMap, makeCredentialParameters, send } from "../support/fido-client.ts";
import { PinClient } from "../support/pin-client.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { bothWays, outcome, type RunningKey, startKey } from "./running-key.ts";

const directory = storeDirectory();
let running: RunningKey;
afterEach(() => running.server.close());

describe.each(bothWays(() => running))("the owner of a key, %s,", (_where, administration) => {
  async function start(): Promise<Administration> {
    running = await startKey(directory);
    running.pending.subscribe((event) => event.kind === "asked" && running.pending.answer(event.waiting.id, true));
    return administration();
  }

  const fido2 = () => running.key.applications.fido2;

  async function register(rpId: string, name: string): Promise<void> {
    const user = cborMap({ id: Buffer.from(name), name, displayName: name.toUpperCase() });
    const { status } = await send(
      fido2(),
      Command.MAKE_CREDENTIAL,
      makeCredentialParameters({ 2: cborMap({ id: rpId }), 3: user, 7: cborMap({ rk: true }) }),
    );
    expect(status).toBe(0);
  }

  it("sets a PIN that hosts have to know, and changes it", async () => {
    const owner = await start();
    expect((await owner.fido.info()).pin).toEqual({
      set: false,
      retries: 8,
      needsPowerCycle: false,
      mustChange: false,
      minLength: 4,
    });
    await owner.fido.setPin("first");
    const host = new PinClient(fido2());
    expect((await host.requestToken("first", 4)).status).toBe(0);
    expect(await outcome(owner.fido.setPin("other"))).toBe("pin-already-set");
    expect(await outcome(owner.fido.changePin("wrong", "second"))).toBe("pin-invalid");
    await owner.fido.changePin("first", "second");
    expect((await host.requestToken("first", 4)).status).toBe(0x31);
    expect((await host.requestToken("second", 4)).status).toBe(0);
    expect((await owner.fido.info()).pin).toMatchObject({ set: true, retries: 8 });
  });

  it("has a PIN normalised, so that it is the one that browsers send", async () => {
    const owner = await start();
    await owner.fido.setPin("cafe\u0301");
    expect((await new PinClient(fido2()).requestToken("caf\u00e9", 4)).status).toBe(0);
    expect(await owner.fido.listCredentials("cafe\u0301")).toEqual([]);
  });

  it.each([
    ["too short", "123"],
    ["empty", ""],
    ["too long", "x".repeat(64)],
    ["too long in bytes", "\u00e9".repeat(32)],
  ])("may not set a PIN that is %s", async (_name, pin) => {
    const owner = await start();
    expect(await outcome(owner.fido.setPin(pin))).toBe("pin-policy");
    expect((await owner.fido.info()).pin.set).toBe(false);
  });

  it("counts wrong PINs with the hosts' own: three until a power cycle, eight for good", async () => {
    const owner = await start();
    await owner.fido.setPin("right");
    const host = new PinClient(fido2());
    expect((await host.requestToken("wrong", 4)).status).toBe(0x31);
    expect(await outcome(owner.fido.listCredentials("wrong"))).toBe("pin-invalid");
    expect(await outcome(owner.fido.changePin("wrong", "other"))).toBe("pin-blocked");
    expect((await owner.fido.info()).pin).toMatchObject({ retries: 5, needsPowerCycle: true });
    expect(await outcome(owner.fido.listCredentials("right"))).toBe("pin-blocked");
    for (let guess = 4; guess <= 8; guess++) {
      if (guess % 3 === 1) running.key.reset();
      await outcome(owner.fido.listCredentials("wrong"));
    }
    running.key.reset();
    await expect(owner.fido.listCredentials("right")).rejects.toThrow("The PIN is blocked for good");
    expect((await owner.fido.info()).pin).toMatchObject({ retries: 0 });
  });

  it("lists and deletes credentials, with the PIN where there is one", async () => {
    const owner = await start();
    await register("example.com", "alice");
    await register("example.com", "bob");
    await register("example.org", "carol");
    const listed = await owner.fido.listCredentials(undefined);
    expect(listed.map(({ rpId, user }) => `${user.name}@${rpId}`).sort()).toEqual([
      "alice@example.com",
      "bob@example.com",
      "carol@example.org",
    ]);
    expect(listed[0]).toMatchObject({ algorithm: -7, credProtect: 1 });
    await owner.fido.setPin("right");
    expect(await outcome(owner.fido.listCredentials(undefined))).toBe("pin-required");
    const id = listed.find(({ user }) => user.name === "bob")?.id ?? "";
    expect(await outcome(owner.fido.deleteCredential(id, undefined))).toBe("pin-required");
    expect(await outcome(owner.fido.deleteCredential(id, "wrong"))).toBe("pin-invalid");
    expect(await outcome(owner.fido.deleteCredential("xyzw", "right"))).toBe("bad-request");
    expect(await outcome(owner.fido.deleteCredential(id.slice(0, 3), "right"))).toBe("bad-request");
    expect(await outcome(owner.fido.deleteCredential("00".repeat(32), "right"))).toBe("no-such-credential");
    expect(await owner.fido.deleteCredential(id.slice(0, 16).toUpperCase(), "right")).toMatchObject({
      id,
      rpId: "example.com",
    });
    expect(await outcome(owner.fido.deleteCredential(id, "right"))).toBe("no-such-credential");
    expect(await owner.fido.listCredentials("right")).toHaveLength(2);
    expect((await owner.fido.info()).credentials.discoverable).toBe(2);
  });

  it("leaves a host's token alone while reading", async () => {
    const owner = await start();
    await register("example.com", "alice");
    await owner.fido.setPin("right");
    const host = new PinClient(fido2());
    const token = await host.getToken("right", 4);
    expect(await owner.fido.listCredentials("right")).toHaveLength(1);
    expect((await host.manage(0x01, undefined, token)).status).toBe(0);
  });

  it("resets it without a touch, long after it was plugged in", async () => {
    const owner = await start();
    await register("example.com", "alice");
    await owner.fido.setPin("right");
    const asked = running.pending.subscribe(() => expect.fail("a touch was asked for"));
    await owner.fido.reset();
    asked();
    expect(await owner.fido.info()).toMatchObject({ pin: { set: false }, credentials: { discoverable: 0 } });
  });

  it("gives it certificates that a relying party can check, and takes them away", async () => {
    const owner = await start();
    expect(await owner.attestation.show()).toEqual({
      authority: null,
      batch: null,
      enterprise: null,
      enterpriseRpIds: [],
    });
    const made = await owner.attestation.create({ kind: "batch", country: "CH", organization: "Example" });
    const authority = new X509Certificate(made.authority ?? "");
    const batch = new X509Certificate(made.batch ?? "");
    expect(batch.verify(authority.publicKey)).toBe(true);
    expect(batch.subject).toContain("C=CH\nO=Example\nOU=Authenticator Attestation");
    expect(authority.ca && !batch.ca).toBe(true);

    const { map } = await send(fido2(), Command.MAKE_CREDENTIAL, makeCredentialParameters());
    const attStmt = map.get(3);
    const x5c = attStmt instanceof Map ? attStmt.get("x5c") : undefined;
    expect(Array.isArray(x5c) && Buffer.from(x5c[0]).equals(batch.raw)).toBe(true);

    expect(await outcome(owner.attestation.create({ kind: "batch" }))).toBe("attestation-exists");
    expect(await outcome(owner.attestation.create({ kind: "enterprise", organization: "Other" }))).toBe(
      "attestation-exists",
    );
    const both = await owner.attestation.create({ kind: "enterprise", rpIds: ["example.com"] });
    expect(both).toMatchObject({ authority: made.authority, batch: made.batch, enterpriseRpIds: ["example.com"] });
    const enterprise = new X509Certificate(both.enterprise ?? "");
    expect(enterprise.checkIssued(authority) && enterprise.verify(authority.publicKey)).toBe(true);
    expect(enterprise.raw.includes(Buffer.from(running.key.serialNumber, "hex"))).toBe(true);
    const again = await owner.attestation.create({ kind: "batch", replace: true });
    expect(again.batch).not.toBe(made.batch);
    expect(again.enterprise).toBe(both.enterprise);

    await owner.attestation.remove();
    expect((await owner.attestation.show()).authority).toBeNull();
  });

  it.each([
    ["a country that is none", { kind: "batch", country: "Mars" }],
    ["a maker without a name", { kind: "batch", organization: "" }],
    ["a maker with too long a name", { kind: "batch", organization: "x".repeat(65) }],
    ["a batch certificate for some relying parties", { kind: "batch", rpIds: ["example.com"] }],
  ] as const)("may not make certificates with %s", async (_name, request) => {
    const owner = await start();
    expect(await outcome(owner.attestation.create(request))).toBe("bad-request");
    expect((await owner.attestation.show()).authority).toBeNull();
  });

  it("has a metadata statement that names the roots as long as there are any", async () => {
    const owner = await start();
    const plain = await owner.fido.metadata();
    expect(plain).toMatchObject({ schema: 3, attestationTypes: ["basic_surrogate"], attestationRootCertificates: [] });
    const { authority } = await owner.attestation.create({ kind: "batch" });
    const root = new X509Certificate(authority ?? "").raw.toString("base64");
    expect(await owner.fido.metadata()).toMatchObject({
      aaguid: "6ef40769-a9a4-4bde-bf39-8ff256953245",
      attestationTypes: ["basic_full"],
      attestationRootCertificates: [root],
    });
  });
});
