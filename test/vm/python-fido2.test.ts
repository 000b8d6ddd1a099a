/** python-fido2 against the key: extensions, PIN, management; it refuses any reply that is not canonical CBOR. */
import { expect, test } from "vitest";
import { attachHid, kernelComplaints } from "./attach.ts";
import { guestRepository } from "./guest.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

describeInGuest("python-fido2", { packages: ["python3-fido2"] }, (vm) => {
  test("registers, signs in and manages with every extension that it knows, by both protocols", async () => {
    const key = await startKey(["--ephemeral", "--touch", "auto"]);
    vm.keys.push(key);
    await attachHid(vm.guest, key.port);
    const said = await vm.guest.ok(`/usr/bin/python3 ${guestRepository}/test/vm/guest/extensions.py`, {
      timeoutMs: 90_000,
    });
    const byProtocol = (name: string) => [
      `${name}: made with extensions`,
      `${name}: verified`,
      `${name}: credBlob`,
      `${name}: credBlob`,
      `${name}: hmac-secret, one salt and two`,
      `${name}: large blob`,
    ];
    expect(said.trimEnd().split("\n")).toEqual([
      ...byProtocol("protocol 1"),
      ...byProtocol("protocol 2"),
      "two credentials listed",
      "one renamed",
      "one deleted",
      "the minimum PIN length told to its relying party",
    ]);
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});
