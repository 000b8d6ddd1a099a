// What is measured: one operation each, from the host's first transfer to its last.
import { randomBytes } from "node:crypto";
import type { CborMap } from "../../src/cbor.ts";
import type { CtapHidClient } from "../support/ctaphid-client.ts";
import {
  Command,
  credentialParameter,
  descriptor,
  encodeRequest,
  getAssertionParameters,
  makeCredentialParameters,
  parseReply,
  type Reply,
  verifyAssertion,
  verifyRegistration,
} from "../support/fido-client.ts";
import type { AttachedKey } from "./attached-key.ts";
import { BenchCard } from "./card.ts";
import type { EchoClient } from "./echo-client.ts";
import type { Case } from "./measure.ts";
import { oathCases } from "./oath-cases.ts";
import { openPgpCases } from "./openpgp-cases.ts";
import { pivCases } from "./piv-cases.ts";
import { authenticate, register } from "./u2f-client.ts";

const algorithms = { es256: -7, eddsa: -8 } as const;

export function floorCases(echo: EchoClient): Case[] {
  const nothing = () => {};
  return [{ name: "floor.echo", run: () => echo.roundTrip().then(() => nothing) }];
}

/** The cases of a key, on a channel of its own. Registers what the sign-ins need. */
export async function keyCases(key: AttachedKey): Promise<Case[]> {
  const channel = await key.openChannel();
  return [
    {
      name: "usb.descriptor",
      run: async () => {
        const bytes = await key.deviceDescriptor();
        return () => expectEqual(bytes.length, 18, "length of the device descriptor");
      },
    },
    ...[57, 1024].map((length) => pingCase(channel, length)),
    // Longer than the burst that the key sends at once: what is measured is mostly the pace.
    { ...pingCase(channel, 7609), rounds: 20 },
    ...(await fidoCases(channel)),
    ...(await u2fCases(channel)),
    ...(await readerCases(key)),
    // Last: the key forgets the channels that were not used for the longest time, `channel` among them.
    {
      name: "hid.init",
      run: async () => {
        const { initReply } = await key.openChannel();
        return () => expectEqual(initReply.protocolVersion, 2, "CTAPHID protocol version");
      },
    },
  ];
}

function pingCase(channel: CtapHidClient, length: number): Case {
  const data = randomBytes(length);
  return {
    name: `hid.ping.${length}`,
    run: async () => {
      const echoed = await channel.ping(data);
      return () => expectEqual(Buffer.compare(echoed, data), 0, "PING");
    },
  };
}

async function fidoCases(channel: CtapHidClient): Promise<Case[]> {
  const send = async (command: number, parameters?: CborMap): Promise<Reply> =>
    parseReply(await channel.cbor(encodeRequest(command, parameters)));
  const makeCredential = (alg: number) =>
    send(Command.MAKE_CREDENTIAL, makeCredentialParameters({ 4: [credentialParameter(alg)] }));
  const cases: Case[] = [
    {
      name: "fido.getInfo",
      run: async () => {
        const reply = await send(Command.GET_INFO);
        return () => expectEqual(reply.status, 0, "status of getInfo");
      },
    },
  ];
  for (const [name, alg] of Object.entries(algorithms)) {
    cases.push({
      name: `fido.makeCredential.${name}`,
      run: async () => {
        const reply = await makeCredential(alg);
        return () => void verifyRegistration(reply);
      },
    });
    const { credentialId, publicKey } = verifyRegistration(await makeCredential(alg));
    const parameters = getAssertionParameters({ 3: [descriptor(credentialId)] });
    cases.push({
      name: `fido.getAssertion.${name}`,
      run: async () => {
        const reply = await send(Command.GET_ASSERTION, parameters);
        return () => void verifyAssertion(reply, publicKey);
      },
    });
  }
  return cases;
}

async function u2fCases(channel: CtapHidClient): Promise<Case[]> {
  const registration = (await register(channel))();
  return [
    { name: "u2f.register", run: () => register(channel) },
    { name: "u2f.authenticate", run: () => authenticate(channel, registration) },
  ];
}

async function readerCases(key: AttachedKey): Promise<Case[]> {
  const reader = await key.openReader();
  await reader.powerOn();
  const card = new BenchCard(reader);
  return [
    {
      name: "ccid.slotStatus",
      run: async () => {
        const { bError } = await reader.slotStatus();
        return () => expectEqual(bError, 0, "error of GetSlotStatus");
      },
    },
    {
      name: "ccid.powerOn",
      run: async () => {
        const atr = await reader.powerOn();
        return () => expectEqual(atr[0] ?? 0, 0x3b, "first byte of the ATR");
      },
    },
    ...openPgpCases(card),
    ...pivCases(card),
    ...oathCases(card),
  ];
}

function expectEqual(actual: number, expected: number, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${actual} instead of ${expected}`);
}
