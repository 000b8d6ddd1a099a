/** The whole life of a key as libfido2's fido2-token sees it: PIN, retries, management, large blobs, settings, reset. fido2-token(1) */
import { beforeAll, describe, expect, test } from "vitest";
import { attachHid, detach } from "./attach.ts";
import {
  clientDataHash,
  getAssertion,
  makeCredential,
  tryGetAssertion,
  tryMakeCredential,
  userIdOf,
} from "./fido2-tools.ts";
import { guestRepository } from "./guest.ts";
import { type KeyProcess, startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const answer = `/usr/bin/python3 ${guestRepository}/test/vm/guest/answer.py`;
const slow = { timeoutMs: 60_000 };

describeInGuest("fido2-token", { packages: ["fido2-tools"] }, (vm) => {
  let key: KeyProcess;
  let hidraw: string;

  /** Unplugs the key and plugs it in again: the power cycle that PIN blocks and resets wait for. */
  async function replug(): Promise<void> {
    await detach(vm.guest, { port: "00" });
    ({ hidraw } = await attachHid(vm.guest, key.port));
  }

  const withPin = (pin: string, command: string) => vm.guest.run(`${answer} 'Enter PIN' ${pin} -- ${command}`, slow);
  const setPin = (pin: string) =>
    vm.guest.ok(`${answer} 'Enter new PIN' ${pin} 'same PIN again' ${pin} -- fido2-token -S ${hidraw}`, slow);

  beforeAll(async () => {
    key = await startKey(["--ephemeral", "--touch", "auto"]);
    vm.keys.push(key);
    ({ hidraw } = await attachHid(vm.guest, key.port));
  });

  test("sets a PIN and changes it", async () => {
    await setPin("first-pin");
    const change = `'Enter current PIN' first-pin 'Enter new PIN' second-pin 'same PIN again' second-pin -- fido2-token -C ${hidraw}`;
    await vm.guest.ok(`${answer} ${change}`, slow);
    expect(await vm.guest.ok(`fido2-token -I ${hidraw}`)).toMatch(/clientPin/);
  });

  test("is blocked by three wrong PINs until it is plugged in again", async () => {
    for (let n = 0; n < 3; n++) expect((await withPin("wrong-pin", `fido2-token -L -r ${hidraw}`)).code).not.toBe(0);
    const blocked = await withPin("second-pin", `fido2-token -L -r ${hidraw}`);
    expect(blocked.output).toMatch(/FIDO_ERR_PIN_AUTH_BLOCKED/);
    await replug();
    expect((await withPin("second-pin", `fido2-token -I -c ${hidraw}`)).output).toMatch(/existing rk\(s\): 0/);
    expect(await vm.guest.ok(`fido2-token -I ${hidraw}`)).toMatch(/pin retries: 8/);
  });

  describe("with a credential that it keeps", () => {
    beforeAll(async () => {
      await vm.guest.ok(
        `cd /tmp && head -c 32 /dev/zero | base64 > kept && printf '%s\\n' kept.example alice $(printf user | base64) >> kept &&
         ${answer} 'Enter PIN' second-pin -- fido2-cred -M -r -b -h -c 2 -v -i kept -o kept.made ${hidraw}`,
        slow,
      );
    });

    test("lists it", async () => {
      const relyingParties = await withPin("second-pin", `fido2-token -L -r ${hidraw}`);
      expect(relyingParties.output).toMatch(/kept\.example/);
      const credentials = await withPin("second-pin", `fido2-token -L -k kept.example ${hidraw}`);
      expect(credentials.output).toMatch(/dXNlcg== es256 uvopt\+id/);
    });

    /** Its id, as -L -k shows it. */
    async function keptId(): Promise<string> {
      const listed = (await withPin("second-pin", `fido2-token -L -k kept.example ${hidraw}`)).output;
      return /^\d+: (\S+=*) /m.exec(listed)?.[1] ?? expect.fail(listed);
    }

    test("gives it another name", async () => {
      const rename = `fido2-token -S -c -i ${await keptId()} -k dXNlcg== -n alicia -p Alicia ${hidraw}`;
      expect((await withPin("second-pin", rename)).code).toBe(0);
      expect((await withPin("second-pin", `fido2-token -L -k kept.example ${hidraw}`)).output).toMatch(
        / Alicia dXNlcg== /,
      );
    });

    test("keeps a large blob for it, gives it back and deletes it", async () => {
      // libfido2 1.12 seals nothing that is shorter than 16 bytes once deflated.
      await vm.guest.ok("head -c 1500 /dev/urandom > /tmp/blob", slow);
      const named = `-n kept.example -i ${await keptId()}`;
      expect(await withPin("second-pin", `fido2-token -S -b ${named} /tmp/blob ${hidraw}`)).toMatchObject({ code: 0 });
      expect(await withPin("second-pin", `fido2-token -G -b ${named} /tmp/got ${hidraw}`)).toMatchObject({ code: 0 });
      await vm.guest.ok("cmp /tmp/blob /tmp/got");
      expect(await withPin("second-pin", `fido2-token -D -b ${named} ${hidraw}`)).toMatchObject({ code: 0 });
      expect((await withPin("second-pin", `fido2-token -G -b ${named} /tmp/got2 ${hidraw}`)).code).not.toBe(0);
    });

    test("deletes it", async () => {
      expect(await withPin("second-pin", `fido2-token -D -i ${await keptId()} ${hidraw}`)).toMatchObject({ code: 0 });
      expect((await withPin("second-pin", `fido2-token -L -r ${hidraw}`)).output).not.toMatch(/kept\.example/);
    });
  });

  // CTAP 2.3 §12.1: userVerificationOptional, userVerificationOptionalWithCredentialIDList, userVerificationRequired
  describe.each([
    { level: 1, byRelyingParty: "found", byId: "found" },
    { level: 2, byRelyingParty: "hidden", byId: "found" },
    { level: 3, byRelyingParty: "hidden", byId: "hidden" },
  ] as const)("without its PIN and at level $level of credProtect", ({ level, byRelyingParty, byId }) => {
    const directory = `/tmp/level-${level}`;
    const rpId = `level-${level}.example`;
    let id: string;

    beforeAll(async () => {
      id = await vm.guest.ok(
        `set -e; mkdir ${directory} && cd ${directory}
        printf '%s\\n' ${clientDataHash} ${rpId} alice ${userIdOf("alice")} > parameters
        ${answer} 'Enter PIN' second-pin -- fido2-cred -M -r -c ${level} -i parameters -o made ${hidraw} > made.log
        fido2-cred -V -c ${level} -i made -o verified
        tail -n +2 verified > public.pem
        head -n 1 verified | tr -d '\\n'`,
        slow,
      );
    });

    /** Asks without a PIN. */
    async function look(resident: boolean): Promise<"found" | "hidden"> {
      const credential = { directory, rpId, id, userId: userIdOf("alice"), type: "es256" } as const;
      const { code, output } = await tryGetAssertion(vm.guest, hidraw, credential, { resident });
      if (code !== 0) expect(output).toMatch(/FIDO_ERR_NO_CREDENTIALS/);
      return code === 0 ? "found" : "hidden";
    }

    test(`a credential is ${byRelyingParty} by its relying party alone and ${byId} by its id`, async () => {
      expect([await look(true), await look(false)]).toEqual([byRelyingParty, byId]);
    });

    test("it is found with the PIN, both ways", async () => {
      for (const [flags, named] of [
        ["-r", ""],
        ["", id],
      ]) {
        await vm.guest.ok(
          `set -e; cd ${directory}; printf '%s\\n' ${clientDataHash} ${rpId} ${named} > query
          ${answer} 'Enter PIN' second-pin -- fido2-assert -G ${flags} -v -i query -o assertion ${hidraw}
          fido2-assert -V -v -i assertion public.pem es256`,
          slow,
        );
      }
    });
  });

  test("gives the same hmac-secret for the same salt", async () => {
    const outputs = await vm.guest.ok(
      `cd /tmp && head -c 32 /dev/zero | base64 > hmac && printf '%s\\n' hmac.example bob $(printf bob | base64) >> hmac &&
       fido2-cred -M -h -i hmac ${hidraw} | fido2-cred -V -h -o hmac.verified && head -n 1 hmac.verified > hmac.id &&
       head -c 32 /dev/zero | base64 > asked && echo hmac.example >> asked && cat hmac.id >> asked && head -c 32 /dev/zero | base64 >> asked &&
       fido2-assert -G -h -i asked ${hidraw} | tail -n 1 && fido2-assert -G -h -i asked ${hidraw} | tail -n 1`,
      slow,
    );
    const [first, second] = outputs.trim().split("\n");
    expect(Buffer.from(first ?? "", "base64")).toHaveLength(32);
    expect(second).toBe(first);
  });

  test("takes alwaysUv, enterprise attestation, a minimum length and a forced change of PIN", async () => {
    for (const setting of ["-u", "-a", "-l 9", "-f"]) {
      expect(await withPin("second-pin", `fido2-token -S ${setting} ${hidraw}`)).toMatchObject({ code: 0 });
    }
    const said = await vm.guest.ok(`fido2-token -I ${hidraw}`);
    expect(said).toMatch(/options: .*\balwaysUv\b/);
    expect(said).toMatch(/options: .*\bep\b/);
    expect(said).toMatch(/minpinlen: 9/);
    expect(said).toMatch(/force(d)? pin change: true|forcePINchange: true|pin change required: true/i);
  });

  test("refuses to enrol a fingerprint", async () => {
    const { code, output } = await withPin("second-pin", `fido2-token -S -e ${hidraw}`);
    expect(code).not.toBe(0);
    expect(output).toMatch(/FIDO_ERR|not supported|invalid/i);
  });

  test("is reset within ten seconds of being plugged in, and not later", async () => {
    await vm.guest.ok("sleep 11", slow);
    const late = await vm.guest.run(`fido2-token -R ${hidraw}`, slow);
    expect(late.output).toMatch(/FIDO_ERR_NOT_ALLOWED/);
    await replug();
    await vm.guest.ok(`fido2-token -R ${hidraw}`, slow);
    expect(await vm.guest.ok(`fido2-token -I ${hidraw}`)).toMatch(/noclientPin/);
    await getAssertion(vm.guest, hidraw, await makeCredential(vm.guest, hidraw));
  });

  test("is blocked for good by eight wrong PINs, and a reset gives it back", async () => {
    await setPin("third-pin");
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 3; n++) await withPin("wrong-pin", `fido2-token -L -r ${hidraw}`);
      await replug();
    }
    expect((await withPin("third-pin", `fido2-token -L -r ${hidraw}`)).output).toMatch(/FIDO_ERR_PIN_BLOCKED/);
    await replug();
    await vm.guest.ok(`fido2-token -R ${hidraw}`, slow);
    expect((await tryMakeCredential(vm.guest, hidraw)).code).toBe(0);
  });
});
