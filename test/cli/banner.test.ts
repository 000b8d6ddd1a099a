import { expect, test } from "vitest";
import { type BannerFacts, bannerLines } from "../../src/cli/banner.ts";
import { programCommand } from "../../src/cli/program.ts";

const facts: BannerFacts = {
  version: "0.1.0",
  usbId: { vendor: 0x1209, product: 0x0001 },
  busid: "1-1",
  address: { host: "127.0.0.1", port: 3240 },
  state: "/home/me/.local/share/latchkey/store",
  notes: [],
  touch: "ask",
  touchChosen: false,
  isTerminal: true,
  control: "/run/user/1000/latchkey/3240-0a1b2c3d.sock",
  controlChosen: false,
  program: "node dist/src/cli.js",
};

const banner = (changes: Partial<BannerFacts>) => bannerLines({ ...facts, ...changes }).join("\n");

test("The line that programs wait for is there, alone", () => {
  expect(bannerLines(facts)).toContain("Listening on 127.0.0.1:3240");
  expect(bannerLines({ ...facts, address: { host: "::1", port: 50123 } })).toContain("Listening on [::1]:50123");
});

test("The commands that attach name what differs from the defaults, and only that", () => {
  expect(bannerLines(facts)).toContain("  sudo node dist/src/cli.js attach");
  expect(bannerLines(facts)).toContain("  sudo modprobe vhci-hcd; sudo usbip attach -r 127.0.0.1 -b 1-1");

  const other = bannerLines({ ...facts, address: { host: "10.0.0.7", port: 4000 } });
  expect(other).toContain("  sudo node dist/src/cli.js attach --remote 10.0.0.7 --port 4000");
  expect(other).toContain("  sudo modprobe vhci-hcd; sudo usbip --tcp-port 4000 attach -r 10.0.0.7 -b 1-1");

  expect(banner({ address: { host: "0.0.0.0", port: 3240 } })).toContain("usbip attach -r 127.0.0.1 ");
  expect(banner({ address: { host: "::", port: 3240 } })).toContain("attach --remote ::1\n");
});

test("Listening on anything but this machine warns that USB/IP protects nothing", () => {
  const warning = "USB/IP is neither encrypted nor authenticated";
  for (const host of ["127.0.0.1", "127.0.1.1", "::1", "localhost"]) {
    expect(banner({ address: { host, port: 1 } })).not.toContain(warning);
  }
  for (const host of ["0.0.0.0", "::", "192.168.1.2", "127.example.com"]) {
    expect(banner({ address: { host, port: 1 } })).toContain(warning);
  }
});

test("Where the state is kept is said, with and without --ephemeral", () => {
  expect(banner({ notes: ["Made it."] })).toContain(
    "State: /home/me/.local/share/latchkey/store, encrypted.\nMade it.\n",
  );
  expect(banner({ state: undefined })).toContain("State: in memory (--ephemeral); every credential is gone when");
});

test("Who gives touches is said, and why when nobody chose it", () => {
  const command = '"node dist/src/cli.js touch" grants, with --deny it denies.';
  expect(banner({})).toContain(`Touch: ask; Enter grants here, n denies; elsewhere ${command}`);
  expect(banner({ isTerminal: false })).toContain(`Touch: ask; ${command}`);
  expect(banner({ touch: "deny" })).toContain(
    'is denied, because there is no terminal to ask at (--touch ask waits for "latchkey touch", --touch auto grants).',
  );
  expect(banner({ touch: "deny", touchChosen: true })).toContain("Touch: deny; every request is denied.");
  expect(banner({ touch: "auto" })).toContain("granted unseen, because there is no terminal to ask at");
  expect(banner({ touch: "auto", touchChosen: true })).toContain("Touch: auto; every request is granted unseen.");
});

test("The control socket is named, and in the command that touches only when it is not where that one looks", () => {
  expect(banner({})).toContain("\nControl: /run/user/1000/latchkey/3240-0a1b2c3d.sock\n");
  expect(banner({ control: "./key.sock", controlChosen: true })).toContain(
    '"node dist/src/cli.js touch --control ./key.sock" grants',
  );
});

test("The program is named so that a shell and sudo find it", () => {
  const script = "/home/alice/latchkey/dist/src/cli.js";
  expect(programCommand(script, "/usr/bin/node", "/home/alice/latchkey")).toBe("node dist/src/cli.js");
  expect(programCommand(script, "/usr/bin/node", "/tmp")).toBe(`node ${script}`);
  expect(programCommand(script, "/home/alice/.nvm/node", "/")).toBe(
    "/home/alice/.nvm/node home/alice/latchkey/dist/src/cli.js",
  );
  expect(programCommand("/a b/it's/cli.js", "/usr/bin/node", "/tmp")).toBe("node '/a b/it'\\''s/cli.js'");
});
