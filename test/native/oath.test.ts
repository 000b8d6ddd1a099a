/** ykman's OATH accounts on the card in vsmartcard's reader: what it computes with them is what oathtool computes. */
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeNative, READER } from "./pcscd.ts";

const ykman = `ykman --reader '${READER}' oath`;
const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/** oathtool's code for the same moment as ykman's: asked before and after, should a period end between. */
const agree = (name: string, oathtool: string) => `
  for again in 1 2; do
    before=$(${oathtool}); code=$(${ykman} accounts code --single '${name}'); after=$(${oathtool})
    if [ "$code" = "$before" ] || [ "$code" = "$after" ]; then exit 0; fi
  done
  echo "ykman $code, oathtool $after"; exit 1`;

const packages = ["yubikey-manager", "oathtool"];

describeNative("ykman oath over vpcd", { packages }, (suite) => {
  const ok = (script: string, input = "") => suite.session.ok(script, { input });

  test("adds accounts, lists them, and computes what oathtool computes", async () => {
    expect(await ok(`${ykman} info`)).toBe("OATH version: 5.7.4\nPassword protection: disabled\n");
    await ok(`${ykman} accounts add -a SHA256 -d 8 -P 60 -i Example bob ${SECRET}`);
    await ok(`${ykman} accounts uri 'otpauth://totp/Example:alice?secret=${SECRET}&issuer=Example'`);
    await ok(`${ykman} accounts add -o HOTP -c 5 counter ${SECRET}`);
    expect(await ok(`${ykman} accounts list -o`)).toBe("counter, HOTP\nExample:alice, TOTP\n60/Example:bob, TOTP\n");
    await ok(agree("Example:alice", `oathtool --totp -b ${SECRET}`));
    await ok(agree("Example:bob", `oathtool --totp=sha256 -s 60s -d 8 -b ${SECRET}`));
    expect(await ok(`${ykman} accounts code -s counter`)).toBe("254676\n");
    expect(await ok(`${ykman} accounts code -s counter`)).toBe("287922\n");
    expect(await ok(`${ykman} accounts code`)).toMatch(
      /^counter +\[HOTP Account\]\nExample:alice +\d{6}\n60\/Example:bob +\d{8}\n$/,
    );
  });

  test("renames and deletes", async () => {
    await ok(`${ykman} accounts rename -f Example:alice Example:anna`);
    await ok(`${ykman} accounts delete -f Example:bob`);
    expect(await ok(`${ykman} accounts list`)).toBe("counter\nExample:anna\n");
  });

  test("asks for a touch", async () => {
    await ok(`${ykman} accounts add -t touch ${SECRET}`);
    expect(await ok(`${ykman} accounts code`)).toContain("[Requires Touch]");
    expect(await ok(`${ykman} accounts code touch`)).toMatch(/^Touch your YubiKey...\ntouch +\d{6}\n$/);
  });

  test("sets an access password, which it needs from then on, and changes and clears it", async () => {
    await ok(`${ykman} access change -n first`);
    expect(await ok(`${ykman} info`)).toContain("Password protection: enabled");
    const locked = await suite.session.run(`${ykman} accounts list -p wrong`);
    expect(locked).toEqual({ code: 1, output: expect.stringContaining("Wrong password?") });
    expect(await ok(`${ykman} accounts list -p first`)).toContain("Example:anna");
    await ok(`${ykman} access change -p first -n second`);
    expect(await ok(`${ykman} accounts code -p second -s counter`)).toBe("162583\n");
    await ok(`${ykman} access change -p second -c`);
    expect(await ok(`${ykman} info`)).toContain("Password protection: disabled");
  });

  test("resets", async () => {
    await ok(`${ykman} access change -n forgotten && ${ykman} reset -f`);
    expect(await ok(`${ykman} accounts list`)).toBe("");
  });

  test("computes with 1,000 random accounts, all at once, what oathtool computes", async () => {
    const algorithms = ["SHA1", "SHA256", "SHA512"] as const;
    const accounts = Array.from({ length: 1000 }, (_, number) => ({
      name: `account-${number}`,
      algorithm: algorithms[randomInt(3)] ?? "SHA1",
      digits: randomInt(6, 9),
      secret: randomBytes(randomInt(1, 65)).toString("hex"),
      period: randomInt(2) === 0 ? 30 : randomInt(20, 121),
    }));
    // yubikit, ykman's library, in one process: a thousand starts of ykman would take ten minutes.
    const output = await suite.session.ok(
      `/usr/bin/python3 '${join(import.meta.dirname, "oath_accounts.py")}' '${READER}' && ${ykman} accounts list | wc -l`,
      { input: JSON.stringify(accounts), timeoutMs: 110_000 },
    );
    expect(output).toBe("1000 agree\n1000\n");
  });
});

describeNative("ykman oath and the owner's commands", { packages, serve: ["--touch", "ask"] }, (suite) => {
  const ok = (script: string, input = "") => suite.session.ok(script, { input });
  const uri = (type: string, parameters: string) => `otpauth://${type}/Example:alice?secret=${SECRET}&${parameters}`;

  test("an account that the owner adds is ykman's, and counts on after kill -9 of the key, for both", async () => {
    await ok("latchkey oath add", uri("hotp", "counter=0"));
    expect(await ok(`${ykman} accounts code -s Example:alice`)).toBe("755224\n");
    expect(await ok("latchkey oath code alice")).toBe("287082\n");
    await suite.session.key.kill9();
    await suite.session.untilCard(false);
    expect(await ok("latchkey oath code alice")).toBe("359152\n");
    await suite.session.startKey();
    expect(await ok(`${ykman} accounts code -s Example:alice`)).toBe("969429\n");
    await ok("latchkey oath delete Example:alice");
    expect(await ok(`${ykman} accounts list`)).toBe("");
  });

  test("an account that wants a touch waits for it, and gives no code when it is denied", async () => {
    await ok("latchkey oath add --touch", uri("totp", "issuer=Example"));
    const answered = await ok(
      `latchkey touch --wait 20 > answer & ${ykman} accounts code -s Example:alice; wait; cat answer`,
    );
    expect(answered).toMatch(/^Touch your YubiKey\.\.\.\n\d{6}\nGranted: OATH: give a code for "Example:alice"\.\n$/);
    const denied = await suite.session.run(
      `latchkey touch --deny --wait 20 > /dev/null & ${ykman} accounts code -s Example:alice`,
    );
    expect(denied).toEqual({ code: 1, output: expect.stringContaining("Touch account timed out!") });
    const waiting = await ok(`latchkey touch --wait 20 > /dev/null & latchkey oath code alice; wait`);
    expect(waiting).toMatch(/^\d{6}\n$/);
  });
});
