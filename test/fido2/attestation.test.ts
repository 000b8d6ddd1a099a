import { verify, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createAuthority, issueAttestation } from "../../applets/fido2/attestation-authority.ts";
import { encodeAttestationRecord, keyOfAttestation } from "../../applets/fido2/attestation-store.ts";
import { buildMetadataStatement } from "../../applets/fido2/metadata.ts";
import type { CborMap } from "../../src/cbor.ts";
import {
  bytesOf,
  Command,
  cborMap,
  clientDataHash,
  parseAuthenticatorData,
  type Reply,
  sha256,
} from "../support/fido-client.ts";
import { bytes, Fido2Rig } from "./rig.ts";

const details = { country: "CH", organization: "Example", notBefore: "2026-01-01T00:00:00Z" };
const AAGUID = "6ef40769a9a44bdebf398ff256953245";

/** A key whose store holds a batch and an enterprise certificate. */
async function withCertificates(kinds: readonly ("batch" | "enterprise")[] = ["batch", "enterprise"]) {
  const rig = new Fido2Rig();
  const authority = createAuthority(rig.platform, details);
  const keys = {
    batch: issueAttestation(rig.platform, authority, details),
    enterprise: issueAttestation(rig.platform, authority, {
      ...details,
      serialNumber: Buffer.from("0001"),
      rpIds: ["example.com"],
    }),
  };
  const records = kinds.map((kind) => [keyOfAttestation(kind), encodeAttestationRecord(keys[kind])]);
  await rig.platform.store.commit(Object.fromEntries(records));
  const [root] = authority.certificates;
  if (root === undefined) throw new Error("no root");
  return { rig, keys, root: new X509Certificate(root), rootDer: root };
}

function statementOf({ status, map }: Reply): { fmt: unknown; attStmt: CborMap; authData: Uint8Array } {
  expect(status).toBe(0);
  return { fmt: map.get(1), attStmt: map.get(3) as CborMap, authData: bytesOf(map.get(2)) };
}

function leafOf(attStmt: CborMap): X509Certificate {
  const [der] = attStmt.get("x5c") as readonly Uint8Array[];
  return new X509Certificate(der ?? Buffer.alloc(0));
}

function isPackedSignature({ attStmt, authData }: { attStmt: CborMap; authData: Uint8Array }): boolean {
  const signed = Buffer.concat([authData, clientDataHash]);
  return verify("sha256", signed, leafOf(attStmt).publicKey, bytesOf(attStmt.get("sig")));
}

describe("A certificate of the batch", () => {
  test("signs every registration, whatever its algorithm, and chains up to the authority", async () => {
    const { rig, root } = await withCertificates();
    for (const alg of [-7, -8, -36]) {
      const statement = statementOf(await rig.make({ 4: [cborMap({ alg, type: "public-key" })] }));
      expect([statement.fmt, statement.attStmt.get("alg")]).toEqual(["packed", -7]);
      expect(isPackedSignature(statement)).toBe(true);
      const leaf = leafOf(statement.attStmt);
      expect(leaf.verify(root.publicKey) && leaf.checkIssued(root)).toBe(true);
      expect(leaf.ca).toBe(false);
      expect(leaf.subject).toBe("C=CH\nO=Example\nOU=Authenticator Attestation\nCN=Latchkey batch attestation");
    }
    expect(root.ca && root.verify(root.publicKey) && root.checkIssued(root)).toBe(true);
  });

  test("names the AAGUID, and no serial number", async () => {
    const { keys } = await withCertificates();
    const der = Buffer.from(keys.batch.certificates[0] ?? []).toString("hex");
    expect(der).toContain(`060b2b0601040182e51c01010404120410${AAGUID}`);
    expect(der).not.toContain("060b2b0601040182e51c010102");
    expect(Buffer.from(keys.enterprise.certificates[0] ?? []).toString("hex")).toContain("060b2b0601040182e51c010102");
  });

  test("outlives a reset", async () => {
    const { rig } = await withCertificates();
    expect((await rig.send(Command.RESET)).status).toBe(0);
    expect(statementOf(await rig.make()).attStmt.has("x5c")).toBe(true);
  });
});

describe("attestationFormatsPreference", () => {
  test.each([
    [undefined, "packed"],
    [[], "packed"],
    [["none"], "none"],
    [["tpm", "none", "packed"], "none"],
    [["packed", "none"], "packed"],
    [["tpm"], "packed"],
    [["fido-u2f", "none"], "none"], // there is no certificate
  ])("%j gives %s", async (wish, fmt) => {
    const rig = new Fido2Rig();
    const statement = statementOf(await rig.make({ 11: wish }));
    expect(statement.fmt).toBe(fmt);
    expect(statement.attStmt.size).toBe(fmt === "none" ? 0 : 2);
    expect((await rig.send(Command.GET_INFO)).map.get(0x16)).toEqual(["packed"]);
  });

  test("gives fido-u2f, with one certificate and no AAGUID, to what U2F could have made", async () => {
    const { rig } = await withCertificates(["batch"]);
    expect((await rig.send(Command.GET_INFO)).map.get(0x16)).toEqual(["packed", "fido-u2f"]);
    const { fmt, attStmt, authData } = statementOf(await rig.make({ 11: ["fido-u2f"] }));
    expect([fmt, [...attStmt.keys()].sort()]).toEqual(["fido-u2f", ["sig", "x5c"]]);
    const { credentialId, publicKey, aaguid } = parseAuthenticatorData(authData);
    expect(aaguid).toBe("00".repeat(16));
    const point = [Buffer.of(4), bytesOf(publicKey?.get(-2)), bytesOf(publicKey?.get(-3))];
    const signed = Buffer.concat([
      Buffer.of(0),
      sha256("example.com"),
      clientDataHash,
      credentialId ?? bytes(""),
      ...point,
    ]);
    expect(verify("sha256", signed, leafOf(attStmt).publicKey, bytesOf(attStmt.get("sig")))).toBe(true);
    const others = [{ 7: cborMap({ rk: true }) }, { 4: [cborMap({ alg: -8, type: "public-key" })] }];
    for (const other of others) expect(statementOf(await rig.make({ 11: ["fido-u2f"], ...other })).fmt).toBe("packed");
  });
});

describe("Enterprise attestation", () => {
  async function enabled() {
    const made = await withCertificates();
    expect((await made.rig.pinClient().configure(0x01)).status).toBe(0);
    return made;
  }

  /** Whether the answer is an enterprise attestation. */
  async function isEnterprise(rig: Fido2Rig, value: number, rpId: string): Promise<boolean> {
    const reply = await rig.make({ 2: cborMap({ id: rpId }), 10: value });
    const statement = statementOf(reply);
    if (statement.attStmt.has("x5c")) expect(isPackedSignature(statement)).toBe(true);
    const epAtt = reply.map.get(4);
    if (epAtt === true) expect(leafOf(statement.attStmt).subject).toContain("enterprise");
    else expect(epAtt).toBeUndefined();
    return epAtt === true;
  }

  test("is given by the key's own list (1), or on the platform's word (2)", async () => {
    const { rig } = await enabled();
    expect(await isEnterprise(rig, 1, "example.com")).toBe(true);
    expect(await isEnterprise(rig, 1, "example.org")).toBe(false);
    expect(await isEnterprise(rig, 2, "example.com")).toBe(true);
    expect(await isEnterprise(rig, 2, "example.org")).toBe(true);
    expect(rig.platform.presence.prompts.at(-1)?.action).toContain("identifies this key");
  });

  test("is not given by a key that has no such certificate: it answers as ever", async () => {
    const rig = new Fido2Rig();
    await rig.pinClient().configure(0x01);
    expect(await isEnterprise(rig, 2, "example.com")).toBe(false);
  });

  test("is refused as INVALID_OPTION for another value, and as INVALID_PARAMETER before it is enabled", async () => {
    const { rig } = await enabled();
    for (const value of [0, 3, -1]) expect((await rig.make({ 10: value })).status).toBe(0x2c);
    const { rig: disabled } = await withCertificates();
    for (const value of [0, 1, 2]) expect((await disabled.make({ 10: value })).status).toBe(0x02);
  });

  test("that the platform wants in no format is not given", async () => {
    const { rig } = await enabled();
    const reply = await rig.make({ 10: 2, 11: ["none"] });
    expect([reply.map.get(1), reply.map.has(4)]).toEqual(["none", false]);
  });
});

test("A record of another version fails the registration loudly, and stores nothing", async () => {
  const rig = new Fido2Rig();
  await rig.platform.store.commit({ [keyOfAttestation("batch")]: Buffer.of(0xa0) });
  expect((await rig.make({ 7: cborMap({ rk: true }) })).status).toBe(0x7f);
  expect(rig.authenticator.credentials.discoverableCount).toBe(0);
  expect(rig.platform.lines.join()).toContain("attestation/batch");
});

describe("The metadata statement", () => {
  test("says what getInfo says, and nothing that belongs to one key alone", async () => {
    const { rig, rootDer } = await withCertificates(["batch"]);
    const info = (await rig.send(Command.GET_INFO)).map;
    const statement = JSON.parse(JSON.stringify(buildMetadataStatement(info, [rootDer])));
    expect(statement).toMatchObject({
      aaguid: "6ef40769-a9a4-4bde-bf39-8ff256953245",
      protocolFamily: "fido2",
      schema: 3,
      upv: [
        { major: 1, minor: 0 },
        { major: 1, minor: 1 },
        { major: 1, minor: 3 },
      ],
      attestationTypes: ["basic_full"],
      keyProtection: ["software"],
      authenticatorGetInfo: { versions: info.get(1), aaguid: AAGUID, extensions: info.get(2), maxMsgSize: 7609 },
    });
    expect(statement.authenticationAlgorithms.length).toBe(5);
    expect(statement.authenticatorGetInfo.algorithms).toContainEqual({ alg: -7, type: "public-key" });
    const [root] = statement.attestationRootCertificates;
    const chained = leafOf(statementOf(await rig.make()).attStmt);
    expect(chained.verify(new X509Certificate(Buffer.from(root, "base64")).publicKey)).toBe(true);
    const text = JSON.stringify(statement);
    for (const name of ["encIdentifier", "encCredStoreState", "remainingDiscoverableCredentials"]) {
      expect(text).not.toContain(name);
    }
  });

  test("names self-attestation where there is no certificate, and each algorithm once", async () => {
    const rig = new Fido2Rig({ allAlgorithms: true, pqc: true });
    const info = (await rig.send(Command.GET_INFO)).map;
    const statement = JSON.parse(JSON.stringify(buildMetadataStatement(info, [])));
    expect(statement.attestationTypes).toEqual(["basic_surrogate"]);
    expect(statement.attestationRootCertificates).toEqual([]);
    expect(new Set(statement.authenticationAlgorithms).size).toBe(statement.authenticationAlgorithms.length);
    expect(statement.authenticatorGetInfo.algorithms.length).toBe(13);
  });
});
