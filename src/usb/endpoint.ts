// The data endpoints of an interface, and the queue that an IN endpoint answers from: the one bend in the walk of a
// byte. An OUT transfer completes when its packet is accepted; what it causes leaves through a PacketQueue when the
// host next asks. USB 2.0 §5.3, §5.7, §5.8
import type { PacketQueue } from "./packet-queue.ts";

/** Answers a transfer with a STALL handshake: a request error, or a halted endpoint. USB 2.0 §8.5.3.4, §9.2.7 */
export class UsbStall extends Error {
  override name = "UsbStall";
}

interface EndpointShape {
  /** 1–15, without the direction bit. */
  readonly number: number;
  readonly type: "bulk" | "interrupt";
  /** Bytes: 512 for high-speed bulk (USB 2.0 §5.8.3), up to 1,024 for interrupt. */
  readonly maxPacketSize: number;
  /** bInterval: for high-speed interrupt endpoints 2^(n−1) microframes of 125 µs, n 1–16; bulk: 0. USB 2.0 table 9-13 */
  readonly interval: number;
}

export interface InEndpoint extends EndpointShape {
  readonly direction: "in";
  readonly queue: PacketQueue;
}

export interface OutEndpoint extends EndpointShape {
  readonly direction: "out";
  /** Takes one transfer. Never waits: the host must be free to send the next one while an answer is in the making. */
  receive(data: Uint8Array): void;
}

export type Endpoint = InEndpoint | OutEndpoint;
