/** The card in vsmartcard's reader, as OpenSC and PC/SC see it; and the card's owner, who takes it out and puts it back. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "../vm/image.ts";
import { describeNative, READER } from "./pcscd.ts";

describeNative(
  "the card in vsmartcard's reader",
  { packages: ["opensc", "pcsc-tools", "python3-pyscard"] },
  (suite) => {
    test("opensc-tool shows the answer to reset", async () => {
      const output = await suite.session.ok(`opensc-tool --reader '${READER}' --atr`);
      expect(output).toMatch(/^3b:8e:81:31:fe:15:80:73:c0:21:c0:58:4c:61:74:63:68:6b:65:79:7a$/m);
    });

    test("opensc-tool sends APDUs, and what is long comes back whole", async () => {
      const { session } = suite;
      const selected = await session.ok("opensc-tool --send-apdu 00A4040008A0000006472F0001");
      expect(selected).toMatch(/SW1=0x90, SW2=0x00/);
      expect(selected).toMatch(/U2F_V2/);
      // authenticatorGetInfo, whose answer OpenSC fetches with GET RESPONSE.
      // With the driver that it would choose, PIV's, it selects PIV between the two.
      const sent = await session.ok(
        "OPENSC_DRIVER=default opensc-tool -s 00A4040008A0000006472F0001 -s 80100000010400",
      );
      expect(sent).toMatch(/FIDO_2_1/);
    });

    test("extended APDUs pass whole, both ways", async () => {
      const script = join(repository, "test/vm/guest/long_apdu.py");
      expect(await suite.session.ok(`/usr/bin/python3 ${script} 7500`)).toBe("same 7500\n");
    });

    test("pcsc_scan sees the card leave and come back, live", async () => {
      const { session } = suite;
      await session.ok("stdbuf -oL pcsc_scan -n > $SESSION/scan 2>&1 < /dev/null & echo $! > $SESSION/scan.pid");
      const scan = () => session.ok("cat $SESSION/scan");
      await expect.poll(scan, { timeout: 10_000 }).toMatch(/Card inserted/);
      expect(await session.ok("latchkey card eject")).toMatch(/The card is out/);
      await expect.poll(scan, { timeout: 10_000 }).toMatch(/Card inserted[\s\S]*Card removed/);
      expect(await session.ok("latchkey status")).toMatch(/its card is ejected/);
      expect(await session.ok("latchkey card insert --json")).toBe('{"card":"in","moved":true}\n');
      await expect.poll(scan, { timeout: 10_000 }).toMatch(/Card removed[\s\S]*Card inserted/);
      await session.ok("kill $(cat $SESSION/scan.pid)");
    });

    test("a key that ends takes its card along, and the next one's is found", async () => {
      const { session } = suite;
      await session.key.stop();
      await session.untilCard(false);
      await session.startKey();
      expect(await session.ok("opensc-tool --atr")).toMatch(/^3b:8e:81/m);
    });

    test("where no driver listens, the key says so in one sentence and goes on", async () => {
      const { session } = suite;
      const serve =
        "timeout -s TERM 2 latchkey serve --ephemeral --touch auto --port 0 --vpcd 127.0.0.1:1 --control $SESSION/other";
      const { output } = await session.run(serve);
      expect(output).toMatch(
        /^\S+ warn no vpcd reader at 127\.0\.0\.1:1 \(nobody listens there\): start pcscd with .*\.$/m,
      );
      expect(output).toMatch(/^Listening on /m);
    });
  },
);
