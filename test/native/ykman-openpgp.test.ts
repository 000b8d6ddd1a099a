/** `ykman openpgp` (4.0.9, Debian's) on a reader without a YubiKey's name. */
import { beforeAll, expect, test } from "vitest";
import { describeNative, READER } from "./pcscd.ts";

const packages = ["yubikey-manager", "openssl"];

describeNative("ykman openpgp", { packages }, (suite) => {
  const ykman = (args: string) => suite.session.ok(`cd $SESSION && ykman --reader '${READER}' openpgp ${args}`);

  beforeAll(async () => {
    await suite.session.ok(
      `cd $SESSION
       openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.pem -out rsa-certificate.pem -subj /CN=attestation -days 30
       openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ec.pem -out ec-certificate.pem -subj /CN=attestation -days 30`,
    );
  });

  test("info shows the card", async () => {
    const output = await ykman("info");
    expect(output).toMatch(/^OpenPGP version: 3\.4$/m);
    expect(output).toMatch(/^Application version: 5\.7\.4$/m);
    expect(output).toMatch(/^PIN tries remaining: 3$/m);
    expect(output).toMatch(/^Attestation key +Off$/m);
  });

  test("access set-retries", async () => {
    await ykman("access set-retries 5 6 7 --admin-pin 12345678 --force");
    expect(await ykman("info")).toMatch(
      /PIN tries remaining: 5\nReset code tries remaining: 0\nAdmin PIN tries remaining: 7/,
    );
  });

  test("keys set-touch", async () => {
    for (const [key, policy, shown] of [
      ["sig", "on", "On"],
      ["enc", "cached", "Cached"],
      ["att", "on", "On"],
      ["att", "off", "Off"],
    ] as const) {
      await ykman(`keys set-touch ${key} ${policy} --admin-pin 12345678 --force`);
      expect(await ykman("info")).toMatch(new RegExp(` key +${shown}$`, "m"));
    }
  });

  test("certificates import, export and delete, of each key", async () => {
    for (const key of ["sig", "enc", "aut", "att"]) {
      await ykman(`certificates import ${key} rsa-certificate.pem --admin-pin 12345678`);
      await ykman(`certificates export ${key} ${key}.pem`);
      await suite.session.ok(`cd $SESSION && openssl x509 -in ${key}.pem | cmp - rsa-certificate.pem`);
      await ykman(`certificates delete ${key} --admin-pin 12345678`);
      const gone = await suite.session.run(`ykman --reader '${READER}' openpgp certificates export ${key} -`);
      expect([gone.code, gone.output]).toEqual([1, expect.stringMatching(/Failed to read certificate/)]);
    }
  });

  test.each(["rsa", "ec"])("keys import of an attestation key of kind %s, and keys attest with it", async (kind) => {
    await ykman(`keys import att ${kind}.pem --admin-pin 12345678`);
    await ykman(`certificates import att ${kind}-certificate.pem --admin-pin 12345678`);
    // A key made on the card, by the commands that GnuPG would send.
    const apdus = [
      "00A4040006D27600012401",
      "00200083083132333435363738",
      "00DA00C30A162B06010401DA470F01",
      "0047800002A40000",
    ];
    const sent = await suite.session.ok(
      `OPENSC_DRIVER=openpgp opensc-tool ${apdus.map((apdu) => `--send-apdu ${apdu}`).join(" ")}`,
    );
    expect(sent.match(/SW1=0x90, SW2=0x00/g)).toHaveLength(4);
    if (kind === "ec") await ykman("certificates delete aut --admin-pin 12345678"); // or it asks before it overwrites
    await ykman(`keys attest aut attested-${kind}.pem --pin 123456`);
    const output = await suite.session.ok(
      `cd $SESSION && openssl verify -partial_chain -CAfile ${kind}-certificate.pem attested-${kind}.pem
       openssl x509 -noout -text -in attested-${kind}.pem`,
    );
    expect(output).toMatch(/: OK$/m);
    expect(output).toMatch(/ED25519 Public-Key/);
    expect(output).toMatch(/1\.3\.6\.1\.4\.1\.41482\.5\.7/);
  });

  test("reset makes it as new", async () => {
    await ykman("reset --force");
    const output = await ykman("info");
    expect(output).toMatch(/^PIN tries remaining: 3$/m);
    expect(output).toMatch(/^Signature key +Off$/m);
  });
});
