import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import {
  formatRemote,
  parseBusid,
  parseHubPort,
  parseLogLevel,
  parseRemote,
  parseRemotePort,
  parseTcpPort,
  parseTouchMode,
  parseUsbId,
  parseVpcd,
} from "../../src/cli/options.ts";
import { formatUsbId } from "../../src/identity.ts";

test("A TCP port is a decimal number up to 65535; only a listener may have 0", () => {
  expect(parseTcpPort("0")).toBe(0);
  expect(parseTcpPort("65535")).toBe(65535);
  expect(parseRemotePort("3240")).toBe(3240);
  for (const text of ["", "-1", "65536", "0x10", "1e3", " 1", "http", "99999999999999999999"]) {
    expect(() => parseTcpPort(text)).toThrow(InvalidArgumentError);
  }
  expect(() => parseRemotePort("0")).toThrow(InvalidArgumentError);
  expect(parseHubPort("08")).toBe(8);
  expect(() => parseHubPort("all")).toThrow(InvalidArgumentError);
});

test("A USB id is two groups of four hexadecimal digits", () => {
  expect(parseUsbId("1050:0407")).toEqual({ vendor: 0x1050, product: 0x0407 });
  expect(formatUsbId(parseUsbId("ABCD:00ef"))).toBe("abcd:00ef");
  for (const text of ["", "1209", "1209:1", "01209:0001", "1209:0001:0", "12g9:0001", "0x1209:0x0001"]) {
    expect(() => parseUsbId(text)).toThrow(InvalidArgumentError);
  }
});

test("A remote is a host with or without a port; an IPv6 address with a port stands in brackets", () => {
  expect(parseRemote("key.example")).toEqual({ host: "key.example", port: 3240 });
  expect(parseRemote("10.0.2.2:3241")).toEqual({ host: "10.0.2.2", port: 3241 });
  expect(parseRemote("::1")).toEqual({ host: "::1", port: 3240 });
  expect(parseRemote("[fe80::1%eth0]:99")).toEqual({ host: "fe80::1%eth0", port: 99 });
  expect(formatRemote(parseRemote("[::1]:99"))).toBe("[::1]:99");
  for (const text of ["", ":3240", "host:", "host:port", "host:0", "host:1:2", "a b"]) {
    expect(() => parseRemote(text)).toThrow(InvalidArgumentError);
  }
});

test("vpcd's address has its own port, unless one is given", () => {
  expect(parseVpcd("127.0.0.1")).toEqual({ host: "127.0.0.1", port: 35_963 });
  expect(parseVpcd("[::1]:7")).toEqual({ host: "::1", port: 7 });
  expect(() => parseVpcd("host:0")).toThrow(InvalidArgumentError);
});

test("A busid has at most the 31 characters that its field holds", () => {
  expect(parseBusid("1-1.4")).toBe("1-1.4");
  for (const text of ["", "-1", "1 1", "1/1", "1".repeat(32)]) {
    expect(() => parseBusid(text)).toThrow(InvalidArgumentError);
  }
});

test("Touch modes and log levels are known words", () => {
  expect(parseTouchMode("ask")).toBe("ask");
  expect(parseLogLevel("traffic")).toBe("traffic");
  expect(() => parseTouchMode("Ask")).toThrow("auto, ask and deny");
  expect(() => parseLogLevel("trace")).toThrow("error, warn, info, debug and traffic");
});
