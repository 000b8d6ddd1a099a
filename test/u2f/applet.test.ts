import { verify, X509Certificate } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { U2fApplet } from "../../applets/u2f/applet.ts";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { encodeCommandApdu } from "../../src/iso7816/apdu.ts";
import { exchangeApdu } from "../../src/iso7816/exchange.ts";
import {
  bytesOf,
  Command,
  cborMap,
  credentialParameter,
  descriptor,
  getAssertionParameters,
  makeCredentialParameters,
  send,
  sha256,
  verifyAssertion,
  verifyRegistration,
} from "../support/fido-client.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";

const challenge = sha256("challenge");
const application = sha256("https://example.com");

interface Answer {
  readonly statusWord: string;
  readonly data: Uint8Array;
}

function setUp() {
  const platform = createTestPlatform();
  const authenticator = new Fido2Authenticator(platform);
  const applet = new U2fApplet(platform, authenticator.credentials);
  const exchange = async (message: Uint8Array): Promise<Answer> => {
    const transport = createTestTransport();
    const handle = applet.process.bind(applet);
    const response = await exchangeApdu(applet.name, handle, message, transport, platform.log);
    return { statusWord: toHex(response.subarray(-2)), data: response.subarray(0, -2) };
  };
  const register = (changes: Partial<Parameters<typeof encodeCommandApdu>[0]> = {}) =>
    exchange(encodeCommandApdu({ ins: 0x01, p1: 0x03, data: concat(challenge, application), le: 65_536, ...changes }));
  const authenticate = (keyHandle: Uint8Array, control = 0x03, forApplication = application) => {
    const data = concat(challenge, forApplication, Uint8Array.of(keyHandle.length), keyHandle);
    return exchange(encodeCommandApdu({ ins: 0x02, p1: control, data, le: 65_536 }));
  };
  return { platform, authenticator, applet, exchange, register, authenticate };
}

/** Takes a registration apart as the document does, and throws unless it verifies. */
function verifyU2fRegistration({ statusWord, data }: Answer) {
  if (statusWord !== "9000") throw new Error(`REGISTER answered ${statusWord}`);
  const reader = new Reader(data);
  if (reader.u8() !== 0x05) throw new Error("no 05 in front");
  const publicKey = reader.bytes(65);
  const keyHandle = Uint8Array.from(reader.bytes(reader.u8()));
  const rest = reader.rest();
  const certificate = new X509Certificate(rest);
  const signature = rest.subarray(certificate.raw.length);
  const signed = concat(Uint8Array.of(0), application, challenge, keyHandle, publicKey);
  if (!verify("sha256", signed, certificate.publicKey, signature)) throw new Error("the signature is not valid");
  return { publicKey, keyHandle, certificate };
}

function verifyU2fAssertion({ statusWord, data }: Answer, certificate: X509Certificate, forApplication = application) {
  if (statusWord !== "9000") throw new Error(`AUTHENTICATE answered ${statusWord}`);
  const signed = concat(forApplication, data.subarray(0, 5), challenge);
  if (!verify("sha256", signed, certificate.publicKey, data.subarray(5))) throw new Error("the signature is not valid");
  const reader = new Reader(data);
  return { userPresence: reader.u8(), counter: reader.u32be() };
}

describe("VERSION", () => {
  test.each([
    ["short", "00030000"],
    ["short, with Le", "0003000000"],
    ["extended", "00030000000000"],
    ["as libu2f-host sends it", "000300000000000000"],
  ])("is U2F_V2 (%s)", async (_form, message) => {
    const { statusWord, data } = await setUp().exchange(fromHex(message));
    expect([statusWord, Buffer.from(data).toString("latin1")]).toEqual(["9000", "U2F_V2"]);
  });

  test("takes no data: 6700", async () => {
    expect((await setUp().exchange(fromHex("0003000001aa"))).statusWord).toBe("6700");
  });

  test("is also what a SELECT of the FIDO applet answers", async () => {
    const { applet } = setUp();
    expect(toHex(applet.aid)).toBe("a0000006472f0001");
    expect(Buffer.from(await applet.select()).toString("latin1")).toBe("U2F_V2");
    expect(() => applet.deselect()).not.toThrow();
  });
});

describe("REGISTER", () => {
  test.each([
    ["extended", {}],
    ["P1 of zero", { p1: 0 }],
    ["short, with Le", { le: 256 }],
    ["without Le", { le: undefined }],
  ])("makes a key whose certificate and signature verify (%s)", async (_form, changes) => {
    const { platform, register } = setUp();
    const { publicKey, keyHandle, certificate } = verifyU2fRegistration(await register(changes as { p1: number }));
    expect(keyHandle.length).toBeLessThanOrEqual(128);
    const inCertificate = certificate.publicKey.export({ format: "der", type: "spki" }).subarray(-65);
    expect(toHex(inCertificate)).toBe(toHex(publicKey));
    expect(platform.presence.prompts).toEqual([
      { applet: "U2F", action: "register", subject: `application ${toHex(application.subarray(0, 8))}…` },
    ]);
  });

  test("certifies itself, in a certificate that tells no two keys together", async () => {
    const { register } = setUp();
    const { certificate } = verifyU2fRegistration(await register());
    const { certificate: other } = verifyU2fRegistration(await setUp().register());
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.issuer).toBe(certificate.subject);
    expect([certificate.subject, certificate.validFrom, certificate.validTo]).toEqual([
      other.subject,
      other.validFrom,
      other.validTo,
    ]);
    expect(certificate.serialNumber).not.toBe(other.serialNumber);
    expect(certificate.serialNumber).toHaveLength(32);
  });

  test("says that it comes over USB, in the extension of the U2F transports", async () => {
    const { certificate } = verifyU2fRegistration(await setUp().register());
    expect(toHex(certificate.raw)).toContain("060b2b0601040182e51c020101040403020520");
  });

  test.each(["pending", "timeout", "cancelled"] as const)(
    "with a touch that is %s answers 6985, at once",
    async (outcome) => {
      const { platform, register } = setUp();
      platform.presence.answer(outcome);
      expect((await register()).statusWord).toBe("6985");
      expect(platform.store.snapshot()).toEqual({});
      verifyU2fRegistration(await register());
    },
  );

  test("that the person refuses answers 6982, which no client polls on", async () => {
    const { platform, register } = setUp();
    platform.presence.answer("denied");
    expect((await register()).statusWord).toBe("6982");
    expect(platform.store.snapshot()).toEqual({});
  });

  test.each([0, 1, 32, 63, 65, 128])("of %i bytes instead of 64 answers 6700", async (length) => {
    const { platform, register } = setUp();
    expect((await register({ data: new Uint8Array(length) })).statusWord).toBe("6700");
    expect(platform.presence.prompts).toEqual([]);
  });

  test("answers 6581 when the store fails, and works the next time", async () => {
    const { platform, register } = setUp();
    platform.store.failNextCommit("io");
    expect((await register()).statusWord).toBe("6581");
    verifyU2fRegistration(await register());
  });
});

describe("AUTHENTICATE", () => {
  async function setUpRegistered() {
    const rig = setUp();
    const registered = verifyU2fRegistration(await rig.register());
    rig.platform.presence.prompts.length = 0;
    return { ...rig, ...registered };
  }

  test("03 signs after a touch, with a counter that rises", async () => {
    const { platform, authenticate, keyHandle, certificate } = await setUpRegistered();
    const first = verifyU2fAssertion(await authenticate(keyHandle), certificate);
    const second = verifyU2fAssertion(await authenticate(keyHandle), certificate);
    expect([first.userPresence, second.userPresence]).toEqual([1, 1]);
    expect(second.counter).toBeGreaterThan(first.counter);
    expect(platform.presence.prompts.map(({ action }) => action)).toEqual(["sign in", "sign in"]);
  });

  test.each(["pending", "timeout", "cancelled"] as const)(
    "03 with a touch that is %s answers 6985",
    async (outcome) => {
      const { platform, authenticate, keyHandle, certificate } = await setUpRegistered();
      platform.presence.answer(outcome);
      expect((await authenticate(keyHandle)).statusWord).toBe("6985");
      verifyU2fAssertion(await authenticate(keyHandle), certificate);
    },
  );

  test("03 that the person refuses answers 6982", async () => {
    const { platform, authenticate, keyHandle } = await setUpRegistered();
    platform.presence.answer("denied");
    expect((await authenticate(keyHandle)).statusWord).toBe("6982");
  });

  test("08 signs without asking, and says so", async () => {
    const { platform, authenticate, keyHandle, certificate } = await setUpRegistered();
    expect(verifyU2fAssertion(await authenticate(keyHandle, 0x08), certificate).userPresence).toBe(0);
    expect(platform.presence.prompts).toEqual([]);
  });

  test("07 answers 6985 for a key handle that is ours, without asking or signing", async () => {
    const { platform, authenticate, keyHandle } = await setUpRegistered();
    expect(await authenticate(keyHandle, 0x07)).toEqual({ statusWord: "6985", data: new Uint8Array(0) });
    expect(platform.presence.prompts).toEqual([]);
  });

  test.each([0x03, 0x07, 0x08])(
    "%i answers 6A80 for a key handle that is not ours, or not for this application",
    async (control) => {
      const { platform, authenticate, keyHandle } = await setUpRegistered();
      const { keyHandle: elsewhere } = await setUpRegistered();
      const changed = Uint8Array.from(keyHandle);
      changed[20] = (changed[20] ?? 0) ^ 1;
      for (const bad of [elsewhere, changed, new Uint8Array(0), new Uint8Array(255)]) {
        expect((await authenticate(bad, control)).statusWord).toBe("6a80");
      }
      expect((await authenticate(keyHandle, control, sha256("https://other.example"))).statusWord).toBe("6a80");
      expect(platform.presence.prompts).toEqual([]);
    },
  );

  test.each([0x00, 0x01, 0x83])("with control byte %i answers 6A86", async (control) => {
    const { authenticate, keyHandle } = await setUpRegistered();
    expect((await authenticate(keyHandle, control)).statusWord).toBe("6a86");
  });

  test("answers 6700 when the key handle's length lies, or the data is cut", async () => {
    const { exchange, keyHandle } = await setUpRegistered();
    const sound = concat(challenge, application, Uint8Array.of(keyHandle.length), keyHandle);
    for (const data of [
      sound.subarray(0, -1),
      concat(sound, Uint8Array.of(0)),
      sound.subarray(0, 64),
      new Uint8Array(0),
    ]) {
      expect((await exchange(encodeCommandApdu({ ins: 0x02, p1: 0x03, data }))).statusWord).toBe("6700");
    }
  });

  test("works after a power cycle and in the next process, and not after a reset", async () => {
    const { platform, authenticator, authenticate, keyHandle, certificate } = await setUpRegistered();
    authenticator.powerCycle();
    verifyU2fAssertion(await authenticate(keyHandle), certificate);
    const restarted = new Fido2Authenticator(platform);
    expect(restarted.credentials.find(application, keyHandle)).toBeDefined();
    await send(authenticator, Command.RESET);
    expect((await authenticate(keyHandle)).statusWord).toBe("6a80");
  });
});

describe("U2F and FIDO2 use each other's credentials", () => {
  test("a key handle is signed with by authenticatorGetAssertion, for the appId as rpId", async () => {
    const { authenticator, register } = setUp();
    const { keyHandle, publicKey } = verifyU2fRegistration(await register());
    const coseKey = cborMap([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, publicKey.subarray(1, 33)],
      [-3, publicKey.subarray(33)],
    ]);
    const parameters = getAssertionParameters({ 1: "https://example.com", 3: [descriptor(keyHandle)] });
    const assertion = verifyAssertion(await send(authenticator, Command.GET_ASSERTION, parameters), coseKey);
    expect(assertion.user).toBeUndefined();
  });

  test("a key handle keeps FIDO2 from registering again", async () => {
    const { authenticator, register } = setUp();
    const { keyHandle } = verifyU2fRegistration(await register());
    const changes = { 2: cborMap({ id: "https://example.com" }), 5: [descriptor(keyHandle)] };
    const { status } = await send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters(changes));
    expect(status).toBe(0x19);
  });

  test.each([false, true])("an ES256 credential of FIDO2 (discoverable: %s) is a key handle", async (rk) => {
    const { authenticator, authenticate } = setUp();
    const parameters = makeCredentialParameters({ 7: cborMap({ rk }) });
    const made = verifyRegistration(await send(authenticator, Command.MAKE_CREDENTIAL, parameters));
    const rpIdHash = sha256("example.com");
    expect((await authenticate(made.credentialId, 0x07, rpIdHash)).statusWord).toBe("6985");
    const { statusWord, data } = await authenticate(made.credentialId, 0x03, rpIdHash);
    expect(statusWord).toBe("9000");
    const x = Buffer.from(bytesOf(made.publicKey.get(-2))).toString("base64url");
    const y = Buffer.from(bytesOf(made.publicKey.get(-3))).toString("base64url");
    const key = { kty: "EC", crv: "P-256", x, y };
    const signed = concat(rpIdHash, data.subarray(0, 5), challenge);
    expect(verify("sha256", signed, { key, format: "jwk" }, data.subarray(5))).toBe(true);
  });

  test("an EdDSA credential is none, for U2F has no such algorithm", async () => {
    const { authenticator, authenticate } = setUp();
    const parameters = makeCredentialParameters({ 4: [credentialParameter(-8)] });
    const made = verifyRegistration(await send(authenticator, Command.MAKE_CREDENTIAL, parameters));
    expect((await authenticate(made.credentialId, 0x07, sha256("example.com"))).statusWord).toBe("6a80");
  });
});

describe("Anything else", () => {
  test.each([0x00, 0x04, 0x10, 0xa4, 0xc0, 0xff])("INS %i answers 6D00", async (ins) => {
    expect((await setUp().exchange(Uint8Array.of(0, ins, 0, 0))).statusWord).toBe("6d00");
  });

  test.each([0x01, 0x80, 0xff])("CLA %i answers 6E00", async (cla) => {
    expect((await setUp().exchange(Uint8Array.of(cla, 0x03, 0, 0))).statusWord).toBe("6e00");
  });

  test("random commands get a status word of U2F's, and none is a fault of ours", async () => {
    const allowed = ["9000", "6700", "6a80", "6a86", "6985", "6d00", "6e00"];
    const commands = fc.tuple(
      fc.constantFrom(0x00, 0x00, 0x00, 0x80),
      fc.constantFrom(0x01, 0x02, 0x03, 0x04),
      fc.constantFrom(0x00, 0x03, 0x07, 0x08, 0xff),
      fc.oneof(fc.uint8Array({ maxLength: 150 }), fc.uint8Array({ minLength: 64, maxLength: 64 })),
    );
    const { platform, exchange } = setUp();
    await fc.assert(
      fc.asyncProperty(commands, async ([cla, ins, p1, data]) => {
        const { statusWord, data: response } = await exchange(encodeCommandApdu({ cla, ins, p1, data }));
        expect(allowed).toContain(statusWord);
        if (statusWord !== "9000") expect(response).toHaveLength(0);
      }),
      { numRuns: 500 },
    );
    expect(platform.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });
});
