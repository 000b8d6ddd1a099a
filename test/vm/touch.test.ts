/** Touches that are denied, time out or are cancelled: each client gets its proper error, and the next request works. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { attachHid, detach, usedPorts } from "./attach.ts";
import { makeCredential, tryGetAssertion, tryMakeCredential } from "./fido2-tools.ts";
import { type KeyProcess, startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const prompt = /Touch\?/;
const challenge = JSON.stringify({
  challenge: Buffer.alloc(32).toString("base64url"),
  version: "U2F_V2",
  appId: "https://a",
});

describeInGuest("a touch", { packages: ["fido2-tools", "openssh-client", "python3-fido2", "u2f-host"] }, (vm) => {
  let key: KeyProcess;
  let hidraw: string;

  async function plugIn(args: readonly string[], terminal: boolean): Promise<void> {
    key = await startKey(["--ephemeral", ...args], { terminal });
    vm.keys.push(key);
    ({ hidraw } = await attachHid(vm.guest, key.port));
  }

  async function plugOut(): Promise<void> {
    for (const port of await usedPorts(vm.guest)) await detach(vm.guest, { port });
    await key.stop();
  }

  /** Answers the prompts that come from now on, one key press each, until they are used up. */
  async function answer(presses: readonly string[]): Promise<void> {
    for (const press of presses) {
      const from = key.output().length;
      await key.waitFor(prompt, from, 30_000);
      key.type(press);
    }
  }

  describe("at the terminal", () => {
    beforeAll(() => plugIn(["--touch", "ask"], true));
    afterAll(plugOut);
    // The suite's key goes on from test to test: every test begins with the request after a refusal.
    afterEach(async () => {
      const [credential] = await Promise.all([makeCredential(vm.guest, hidraw), answer(["\n"])]);
      expect(credential.id).not.toBe("");
    });

    test("names what is asked for", async () => {
      const from = key.output().length;
      await Promise.all([makeCredential(vm.guest, hidraw, { rpId: "named.example", userName: "zoe" }), answer(["\n"])]);
      expect(key.output().slice(from)).toMatch(/register for "named\.example" as "zoe"/);
    });

    test("denied: fido2-cred and fido2-assert say so", async () => {
      const [made] = await Promise.all([tryMakeCredential(vm.guest, hidraw), answer(["n\n"])]);
      expect(made).toMatchObject({ code: 1, output: expect.stringMatching(/FIDO_ERR_OPERATION_DENIED/) });
      const [credential] = await Promise.all([makeCredential(vm.guest, hidraw), answer(["\n"])]);
      const [asserted] = await Promise.all([tryGetAssertion(vm.guest, hidraw, credential), answer(["n\n"])]);
      expect(asserted).toMatchObject({ code: 1, output: expect.stringMatching(/FIDO_ERR_OPERATION_DENIED/) });
    });

    test("denied: ssh-keygen does not enrol", async () => {
      // OpenSSH takes a refusal for a missing PIN (sk-usbhid.c), and asks the key again after each PIN: three times.
      const enrol = vm.guest.run("ssh-keygen -t ed25519-sk -f /tmp/denied -N ''", { timeoutMs: 60_000 });
      const [{ code, output }] = await Promise.all([enrol, answer(["n\n", "n\n", "n\n"])]);
      expect(code).not.toBe(0);
      expect(output).toMatch(/Too many incorrect PINs/);
      expect((await vm.guest.run("test -e /tmp/denied")).code).toBe(1);
    });

    test("denied: u2f-host says so at once, and so does fido2-assert -u", async () => {
      const registering = vm.guest.run("u2f-host -a register -o https://a", { input: challenge, timeoutMs: 60_000 });
      const [registered] = await Promise.all([registering, answer(["n\n"])]);
      expect(registered).toMatchObject({ code: 1, output: expect.stringMatching(/^error/) });
      const [credential] = await Promise.all([makeCredential(vm.guest, hidraw, { u2f: true }), answer(["\n"])]);
      const asserting = tryGetAssertion(vm.guest, hidraw, credential, { u2f: true });
      const [asserted] = await Promise.all([asserting, answer(["n\n"])]);
      expect(asserted).toMatchObject({ code: 1, output: expect.stringMatching(/FIDO_ERR/) });
    });

    test("timed out: fido2-cred is told after 30 s", async () => {
      const start = Date.now();
      const made = await tryMakeCredential(vm.guest, hidraw);
      expect(made).toMatchObject({ code: 1, output: expect.stringMatching(/FIDO_ERR_(USER_)?ACTION_TIMEOUT/) });
      expect(Date.now() - start).toBeGreaterThan(29_000);
      expect(Date.now() - start).toBeLessThan(40_000);
    });

    test("cancelled: python-fido2 is told at once, and the prompt is gone", async () => {
      const from = key.output().length;
      const output = await vm.guest.ok("/usr/bin/python3 /latchkey/test/vm/guest/cancel.py", { timeoutMs: 60_000 });
      const [error, milliseconds] = output.trim().split("\n");
      expect(error).toBe("KEEPALIVE_CANCEL");
      expect(Number(milliseconds)).toBeLessThan(1_000);
      await key.waitFor(/cancelled/, from);
    });

    test("its client killed: the prompt is gone soon after", async () => {
      const from = key.output().length;
      const dying = vm.guest.run(
        `cd /tmp && printf '%s\\n' "$(head -c 32 /dev/zero | base64)" dying.example u dXU= > dying
        timeout -s KILL 2 fido2-cred -M -i dying -o /dev/null ${hidraw}`,
      );
      await key.waitFor(/dying\.example/, from);
      expect((await dying).code).toBe(137);
      await key.waitFor(/cancelled/, from);
    });

    test("detached while it waits: the prompt is gone, and the key comes back", async () => {
      const from = key.output().length;
      const making = tryMakeCredential(vm.guest, hidraw);
      await key.waitFor(prompt, from);
      for (const port of await usedPorts(vm.guest)) await detach(vm.guest, { port });
      expect((await making).code).toBe(1);
      await key.waitFor(/cancelled/, from);
      ({ hidraw } = await attachHid(vm.guest, key.port));
    });

    test("given to u2f-host while it polls", async () => {
      const registering = vm.guest.ok("u2f-host -a register -o https://a", { input: challenge, timeoutMs: 60_000 });
      const [registered] = await Promise.all([registering, answer(["\n"])]);
      expect(JSON.parse(registered)).toHaveProperty("registrationData");
    });

    test("given to fido2-assert -u while it polls", async () => {
      const [credential] = await Promise.all([makeCredential(vm.guest, hidraw, { u2f: true }), answer(["\n"])]);
      const asserting = tryGetAssertion(vm.guest, hidraw, credential, { u2f: true });
      const [{ code }] = await Promise.all([asserting, answer(["\n"])]);
      expect(code).toBe(0);
    });
  });

  describe("with --touch deny", () => {
    beforeAll(() => plugIn(["--touch", "deny"], false));

    test("is refused to every client, again and again", async () => {
      for (let round = 0; round < 3; round++) {
        const made = await tryMakeCredential(vm.guest, hidraw);
        expect(made).toMatchObject({ code: 1, output: expect.stringMatching(/FIDO_ERR_OPERATION_DENIED/) });
      }
      const { code } = await vm.guest.run("ssh-keygen -t ecdsa-sk -f /tmp/never -N ''", { timeoutMs: 60_000 });
      expect(code).not.toBe(0);
    });

    test("is refused over U2F, too", async () => {
      const registered = await vm.guest.run("u2f-host -a register -o https://a", {
        input: challenge,
        timeoutMs: 60_000,
      });
      expect(registered).toMatchObject({ code: 1, output: expect.stringMatching(/^error/) });
    });

    test("leaves the key answering what needs no touch", async () => {
      expect(await vm.guest.ok(`fido2-token -I ${hidraw}`)).toMatch(/^aaguid:/m);
    });
  });
});
