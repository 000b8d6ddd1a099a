/** The card in vsmartcard's reader, as OpenSC and PC/SC see it. */
import { expect, test } from "vitest";
import { describeNative, READER } from "./pcscd.ts";

describeNative("OpenSC over vpcd", { packages: ["opensc", "pcsc-tools"] }, (suite) => {
  test("shows the answer to reset", async () => {
    const output = await suite.session.ok(`opensc-tool --reader '${READER}' --atr`);
    expect(output).toMatch(/^3b:8e:81:31:fe:15:80:73:c0:21:c0:58:4c:61:74:63:68:6b:65:79:7a$/m);
  });

  test("sends APDUs", async () => {
    const output = await suite.session.ok("opensc-tool --send-apdu 00A4040008A0000006472F0001");
    expect(output).toMatch(/SW1=0x90, SW2=0x00/);
    expect(output).toMatch(/U2F_V2/);
  });
});
