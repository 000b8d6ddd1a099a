// A thousand random accounts, each code compared with oathtool's, an implementation of its own.
import { spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { expect, it } from "vitest";
import { codeOf, createSelectedCard, encodePut } from "./rig.ts";

const ACCOUNTS = 1000;
const isThere = spawnSync("oathtool", ["--version"]).status === 0;
if (!isThere) process.stderr.write("skipped: oathtool is not installed\n");

interface RandomAccount {
  readonly name: string;
  readonly type: "hotp" | "totp";
  readonly algorithm: number;
  readonly digits: number;
  readonly secret: Uint8Array;
  readonly period: number;
  readonly moment: number;
}

function randomAccount(number: number): RandomAccount {
  const type = randomInt(3) === 0 ? "hotp" : "totp"; // oathtool has HOTP with SHA-1 alone
  return {
    name: `account ${number}`,
    type,
    algorithm: type === "hotp" ? 1 : randomInt(1, 4),
    digits: randomInt(6, 9),
    secret: randomBytes(randomInt(14, 65)),
    period: randomInt(1, 121),
    moment: type === "hotp" ? randomInt(2 ** 32) : randomInt(2 ** 32),
  };
}

function oathtool({ type, algorithm, digits, secret, period, moment }: RandomAccount): string {
  const hash = ["", "sha1", "sha256", "sha512"][algorithm];
  const how =
    type === "hotp"
      ? ["--hotp", `--counter=${moment}`]
      : [`--totp=${hash}`, `--time-step-size=${period}s`, `--now=@${moment}`];
  const args = [...how, `--digits=${digits}`, Buffer.from(secret).toString("hex")];
  const { stdout, stderr, status } = spawnSync("oathtool", args, { encoding: "utf8", env: { TZ: "UTC" } });
  if (status !== 0) throw new Error(`oathtool ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

it.runIf(isThere)(`The card and oathtool agree on ${ACCOUNTS} accounts`, async () => {
  const card = await createSelectedCard();
  const accounts = Array.from({ length: ACCOUNTS }, (_, number) => randomAccount(number));
  for (const { type, algorithm, moment, ...account } of accounts) {
    const kind = (type === "hotp" ? 0x10 : 0x20) | algorithm;
    const sketch = { ...account, kind, ...(type === "hotp" ? { counter: moment } : {}) };
    expect((await card.send(0x01, encodePut(sketch))).sw).toBe("9000");
  }
  for (const account of accounts) {
    const code = await codeOf(card, account.name, Math.floor(account.moment / account.period));
    expect(code, JSON.stringify(account)).toBe(oathtool(account));
  }
});
