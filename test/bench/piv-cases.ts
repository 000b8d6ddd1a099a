// PIV: what a login with a certificate waits for.
import { createHash, type KeyObject, randomBytes, verify } from "node:crypto";
import { Algorithm, PivClient, padPkcs1 } from "../support/piv-client.ts";
import { type BenchCard, digestInfo, nothing } from "./card.ts";
import type { Case } from "./measure.ts";

const AID = "a000000308";
const SLOT = 0x9a;
const SLOW_ROUNDS = 100;

const algorithms = [
  { name: "p256", id: Algorithm.P256, generations: SLOW_ROUNDS },
  { name: "p384", id: Algorithm.P384, generations: SLOW_ROUNDS },
  { name: "ed25519", id: Algorithm.ED25519, generations: SLOW_ROUNDS },
  { name: "rsa2048", id: Algorithm.RSA2048, generations: 10 },
] as const;

export function pivCases(card: BenchCard): Case[] {
  const client = new PivClient((apdu) => card.transmit(apdu));
  const ready = async () => {
    await client.select();
    await client.authenticate();
    await client.verifyPin();
  };
  return [
    { name: "piv.select", run: () => card.select(AID).then(nothing) },
    { name: "piv.verify", prepare: ready, run: () => client.verifyPin().then(nothing) },
    ...algorithms.flatMap(({ name, id, generations }): Case[] => {
      let publicKey: KeyObject | undefined;
      return [
        {
          name: `piv.generate.${name}`,
          rounds: generations,
          prepare: ready,
          run: async () => {
            const made = await client.generate(SLOT, id);
            return () => {
              if (made.type !== "public") throw new Error("no public key");
            };
          },
        },
        {
          name: `piv.sign.${name}`,
          rounds: SLOW_ROUNDS,
          prepare: async () => {
            await ready();
            publicKey = await client.generate(SLOT, id);
          },
          run: async () => {
            const message = randomBytes(32);
            const signature = await client.sign(SLOT, id, toSign(id, message));
            return () => {
              const hash = id === Algorithm.ED25519 ? null : "sha256";
              if (publicKey === undefined || !verify(hash, message, publicKey, signature))
                throw new Error(`wrong signature with ${name}`);
            };
          },
        },
      ];
    }),
  ];
}

/** What the card is handed for a message: the padded block, the digest as long as the curve, or the message. */
function toSign(id: number, message: Uint8Array): Uint8Array {
  const digest = createHash("sha256").update(message).digest();
  switch (id) {
    case Algorithm.RSA2048:
      return padPkcs1(digestInfo(digest), 256);
    case Algorithm.ED25519:
      return message;
    default:
      return digest;
  }
}
