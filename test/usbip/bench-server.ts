// A server on a free port with bench devices, closed after each test.
import { afterEach } from "vitest";
import { createLogger, type Logger } from "../../src/log.ts";
import { UsbIpServer, type UsbIpServerOptions } from "../../src/usbip/server.ts";
import { BenchInterface, createBenchDevice } from "../usb/rig.ts";
import { RawClient } from "./raw-client.ts";

export interface BenchServer {
  readonly server: UsbIpServer;
  readonly port: number;
  /** The interface of each device: 1-1, 1-2, … */
  readonly benches: readonly BenchInterface[];
  /** Every line that was logged. */
  readonly log: string[];
}

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

export async function startServer(options: UsbIpServerOptions = {}, count = 1): Promise<BenchServer> {
  const log: string[] = [];
  const logger: Logger = createLogger("debug", (line) => log.push(line));
  const server = new UsbIpServer({ log: logger, ...options });
  const benches = Array.from({ length: count }, () => new BenchInterface());
  for (const bench of benches) server.export(createBenchDevice([bench]));
  const { port } = await server.listen({ port: 0 });
  closers.push(() => server.close());
  return { server, port, benches, log };
}

export async function connectRaw(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  closers.push(() => client.close());
  return client;
}

/** A client that has imported a device. */
export async function importRaw(port: number, busid = "1-1"): Promise<RawClient> {
  const client = await RawClient.import(port, busid);
  closers.push(() => client.close());
  return client;
}
