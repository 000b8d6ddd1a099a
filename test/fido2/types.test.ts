// Every parameter of every command with a value of every other type, and every command without each parameter that it
// needs: as the conformance suites (FIDO's own, google/CTAP2-test-tool) go through them. CTAP 2.3 §6, §8
import { createECDH } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CtapStatus } from "../../applets/fido2/status.ts";
import { type CborMap, type CborValue, encodeCbor } from "../../src/cbor.ts";
import { Command, cborMap, clientDataHash, credentialParameter, descriptor } from "../support/fido-client.ts";
import { CLIENT_PIN, CONFIG, CREDENTIAL_MANAGEMENT } from "../support/pin-client.ts";
import { Fido2Rig } from "./rig.ts";

const { CTAP2_ERR_CBOR_UNEXPECTED_TYPE: UNEXPECTED_TYPE, CTAP2_ERR_MISSING_PARAMETER: MISSING } = CtapStatus;

/** One value of each type that a request can hold. */
const examples: readonly CborValue[] = [42, -42, Buffer.of(0x42), "42", [42], cborMap([[42, 42]]), true];

/** An integer is as good as another: CTAP's types do not tell signs apart. */
function typeOf(value: CborValue): string {
  if (value instanceof Uint8Array) return "bytes";
  if (Array.isArray(value)) return "array";
  return value instanceof Map ? "map" : typeof value;
}

const point = createECDH("prime256v1").generateKeys();
const coseKey = cborMap([
  [1, 2],
  [3, -25],
  [-1, 1],
  [-2, point.subarray(1, 33)],
  [-3, point.subarray(33)],
]);
const proof = Buffer.alloc(32, 0x9a);
const saltInput = cborMap([
  [1, coseKey],
  [2, Buffer.alloc(48)],
  [3, proof],
  [4, 2],
]);

interface SoundRequest {
  readonly what: string;
  readonly command: number;
  readonly members: readonly (readonly [key: number, value: CborValue])[];
  /** Members without which it is refused as incomplete. */
  readonly required: readonly number[];
}

const clientPin = (what: string, subCommand: number, keys: readonly number[], required: readonly number[]) => {
  const values: Readonly<Record<number, CborValue>> = {
    ...{ 1: 2, 2: subCommand, 3: coseKey, 4: proof, 5: Buffer.alloc(80), 6: Buffer.alloc(32), 9: 4, 10: "example.com" },
  };
  return { what, command: CLIENT_PIN, members: keys.map((key) => [key, values[key]] as const), required };
};

const requests: readonly SoundRequest[] = [
  {
    what: "authenticatorMakeCredential",
    command: Command.MAKE_CREDENTIAL,
    members: [
      [1, clientDataHash],
      [2, cborMap({ id: "example.com", name: "Example", icon: "https://example.com/a.png" })],
      [3, cborMap({ id: Buffer.from("user"), name: "alice", displayName: "Alice", icon: "data:," })],
      [4, [credentialParameter(-7)]],
      [5, [descriptor(Buffer.of(1))]],
      [
        6,
        cborMap({
          credBlob: Buffer.of(1),
          credProtect: 1,
          "hmac-secret": true,
          "hmac-secret-mc": saltInput,
          largeBlobKey: true,
          minPinLength: true,
          pinComplexityPolicy: true,
          thirdPartyPayment: true,
          uvm: true,
        }),
      ],
      [7, cborMap({ rk: false, up: true, uv: false })],
      [8, proof],
      [9, 2],
      [10, 1],
      [11, ["packed"]],
    ],
    required: [1, 2, 3, 4, 9],
  },
  {
    what: "authenticatorGetAssertion",
    command: Command.GET_ASSERTION,
    members: [
      [1, "example.com"],
      [2, clientDataHash],
      [3, [descriptor(Buffer.of(1))]],
      [
        4,
        cborMap({ credBlob: true, "hmac-secret": saltInput, largeBlobKey: true, thirdPartyPayment: true, uvm: true }),
      ],
      [5, cborMap({ up: true, uv: false })],
      [6, proof],
      [7, 2],
    ],
    required: [1, 2, 7],
  },
  clientPin("getPINRetries", 1, [1, 2], [2]),
  clientPin("getKeyAgreement", 2, [1, 2], [1, 2]),
  clientPin("setPIN", 3, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
  clientPin("changePIN", 4, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
  clientPin("getPinToken", 5, [1, 2, 3, 6], [1, 2, 3, 6]),
  clientPin("getPinUvAuthTokenUsingPinWithPermissions", 9, [1, 2, 3, 6, 9, 10], [1, 2, 3, 6, 9]),
  {
    what: "deleteCredential",
    command: CREDENTIAL_MANAGEMENT,
    members: [
      [1, 6],
      [2, cborMap([[2, descriptor(Buffer.of(1))]])],
      [3, 2],
      [4, proof],
    ],
    required: [1, 2, 3],
  },
  {
    what: "setMinPINLength",
    command: CONFIG,
    members: [
      [1, 3],
      [
        2,
        cborMap([
          [1, 6],
          [2, ["example.com"]],
          [3, false],
          [4, false],
        ]),
      ],
      [3, 2],
      [4, proof],
    ],
    required: [1],
  },
  {
    what: "authenticatorLargeBlobs",
    command: Command.LARGE_BLOBS,
    members: [
      [1, 17],
      [3, 0],
    ],
    required: [],
  },
];

/** All requests that differ from the sound one in one value, at any depth, with where it stands. */
function* mistyped(value: CborValue, where: string): Iterable<readonly [where: string, changed: CborValue]> {
  for (const example of examples) if (typeOf(example) !== typeOf(value)) yield [`${where} ${typeOf(example)}`, example];
  if (value instanceof Map) {
    for (const [key, member] of value) {
      for (const [at, changed] of mistyped(member, `${where}.${key}`)) yield [at, new Map(value).set(key, changed)];
    }
  } else if (Array.isArray(value)) {
    for (const [at, changed] of mistyped(value[0], `${where}[0]`)) yield [at, [changed]];
  }
}

/** A fifth level of nesting is no canonical CBOR (§8), whatever stands there. */
const isTooDeep = (where: string, status: number) =>
  status === CtapStatus.CTAP2_ERR_INVALID_CBOR && /(\..*){3} (array|map)$/.test(where);

/** What is lenient on purpose; the conformance tests want an element of attestationFormatsPreference to do no harm. */
const lenient = /^11\[0\]/;

async function statusWith({ command, members }: SoundRequest, key: number, value: CborValue): Promise<number> {
  const changed = members.map(([other, given]) => [other, other === key ? value : given] as const);
  const map: CborMap = cborMap(changed.filter(([, given]) => given !== undefined));
  return (await new Fido2Rig().send(command, map)).status;
}

describe("A value of another type is refused as CBOR_UNEXPECTED_TYPE", () => {
  test.each(requests)("anywhere in $what", async (request) => {
    const wrong: string[] = [];
    for (const [key, value] of request.members) {
      for (const [where, changed] of mistyped(value, `${key}`)) {
        const status = await statusWith(request, key, changed);
        if (status === UNEXPECTED_TYPE || isTooDeep(where, status) || lenient.test(where)) continue;
        wrong.push(`${where}: 0x${status.toString(16)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each(requests)("in place of the map of $what", async ({ command }) => {
    for (const example of examples.filter((value) => typeOf(value) !== "map")) {
      const { authenticator, transport } = new Fido2Rig();
      const reply = await authenticator.process(Uint8Array.of(command, ...encodeCbor(example)), transport);
      expect([...reply]).toEqual([UNEXPECTED_TYPE]);
    }
  });
});

test.each(requests.filter(({ required }) => required.length > 0))(
  "$what without a parameter that it needs is refused as MISSING_PARAMETER",
  async (request) => {
    const { required } = request;
    const missing = await Promise.all(required.map(async (key) => [key, await statusWith(request, key, undefined)]));
    expect(missing).toEqual(required.map((key) => [key, MISSING]));
  },
);
