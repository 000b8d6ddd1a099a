// The FIDO interface of the USB device: between HID reports and the CTAPHID dispatcher. CTAP 2.3 §11.2.8
// (endpoints and report descriptor), HID 1.11
import { concat } from "../bytes/concat.ts";
import { fromHex } from "../bytes/hex.ts";
import type { Logger } from "../log.ts";
import { type InEndpoint, type OutEndpoint, UsbStall } from "../usb/endpoint.ts";
import { HidControl, ReportType } from "../usb/hid.ts";
import { type Pacing, PacketQueue } from "../usb/packet-queue.ts";
import type { SetupPacket, UsbInterface } from "../usb/types.ts";
import type { CtapHidApplication } from "./application.ts";
import { type DeviceVersion, Dispatcher } from "./dispatcher.ts";
import { PACKET_SIZE, parsePacket } from "./packet.ts";

/** The usage page is what makes udev and every FIDO client see a security key. CTAP 2.3 §11.2.8.2, HID 1.11 §6.2.2 */
const REPORT_DESCRIPTOR = concat(
  fromHex("06 d0f1"), // Usage Page (FIDO alliance)
  fromHex("09 01"), // Usage (CTAPHID)
  fromHex("a1 01"), // Collection (Application)
  fromHex("09 20"), //   Usage (data from the device)
  fromHex("15 00  26 ff00"), //   Logical Minimum 0, Maximum 255
  fromHex("75 08  95 40"), //   64 fields of 8 bits
  fromHex("81 02"), //   Input (Data, Variable, Absolute)
  fromHex("09 21"), //   Usage (data to the device)
  fromHex("15 00  26 ff00"), //   Logical Minimum 0, Maximum 255
  fromHex("75 08  95 40"), //   64 fields of 8 bits
  fromHex("91 02"), //   Output (Data, Variable, Absolute)
  fromHex("c0"), // End Collection
);

/** 2^(4−1) microframes of 125 µs: the host asks every millisecond. USB 2.0 table 9-13 */
const INTERVAL = 4;

/**
 * Linux keeps 63 reports for a program that has a hidraw node open, and drops what comes on top; over USB/IP no bus
 * keeps reports 1 ms apart, they come as fast as the host asks (0.6 ms). So each reply sends at once what leaves room
 * in that buffer for keepalives and the end of another's reply (2,358 bytes, which is all but the longest), and the
 * rest at a pace that a program on a busy machine can follow: while it sleeps up to 63 × 5 ms, nothing is lost.
 * In a guest with busy processors, on a busy machine, sleeps of 0.2 s were seen in one of 30 messages of 7,609 bytes.
 */
const PACING: Pacing = { burst: 40, intervalMs: 5 };

/**
 * Keepalives in a row (2 s of them) that find the one before unread. Linux polls the endpoint only while a program has
 * the device open: whoever asked has ended without CTAPHID_CANCEL (Ctrl-C in ssh-keygen), and would otherwise keep the
 * next program out until its prompt times out. A host far away is slow, but not that slow.
 */
const UNREAD_KEEPALIVES = 25;

export interface CtapHidInterfaceOptions {
  readonly application: CtapHidApplication;
  /** What CTAPHID_INIT tells of the device. */
  readonly version: DeviceVersion;
  readonly log: Logger;
  readonly interfaceNumber: number;
  /** The number that both endpoints have, 1–15. */
  readonly endpoint: number;
  /** Index of the string that names the interface; 0 for none. */
  readonly iInterface?: number;
  randomBytes(length: number): Uint8Array;
}

export class CtapHidInterface implements UsbInterface {
  readonly descriptors: Uint8Array;
  readonly interfaceNumbers: readonly number[];
  readonly endpoints: readonly [InEndpoint, OutEndpoint];
  readonly #queue = new PacketQueue(PACING);
  #lastKeepalive: Uint8Array | undefined;
  #unreadKeepalives = 0;
  readonly #dispatcher: Dispatcher;
  readonly #log: Logger;
  readonly #hid = new HidControl({
    reportDescriptor: REPORT_DESCRIPTOR,
    setReport: (type, _id, data) => this.#setReport(type, data),
  });

  constructor(options: CtapHidInterfaceOptions) {
    const { interfaceNumber, endpoint } = options;
    this.#log = options.log;
    this.#dispatcher = new Dispatcher({
      ...options,
      randomBytes: (length) => options.randomBytes(length),
      send: (packets, isReply) => this.#send(packets, isReply),
      flush: (channel) => this.#queue.withdraw((packet) => parsePacket(packet)?.channel === channel),
    });
    const shape = { number: endpoint, type: "interrupt", maxPacketSize: PACKET_SIZE, interval: INTERVAL } as const;
    this.endpoints = [
      { ...shape, direction: "in", queue: this.#queue },
      { ...shape, direction: "out", receive: (data) => this.#receive(data) },
    ];
    this.interfaceNumbers = [interfaceNumber];
    const { endpoints } = this;
    this.descriptors = this.#hid.encodeInterface({ interfaceNumber, iInterface: options.iInterface, endpoints });
  }

  control(setup: SetupPacket, data: Uint8Array): Uint8Array {
    return this.#hid.control(setup, data);
  }

  reset(): void {
    this.#dispatcher.reset();
    this.#hid.reset();
    this.#queue.clear();
    this.#queue.refill();
    this.#unreadKeepalives = 0;
  }

  #receive(report: Uint8Array): void {
    const packet = parsePacket(report);
    if (packet === undefined) this.#log.debug(`CTAPHID: ignored a report of ${report.length} bytes`);
    else this.#dispatcher.receive(packet);
  }

  /** SET_REPORT is the other way for an output report. HID 1.11 §7.2.2 */
  #setReport(type: number, data: Uint8Array): void {
    if (type !== ReportType.OUTPUT) throw new UsbStall();
    this.#receive(data);
  }

  #send(packets: readonly Uint8Array[], isReply: boolean): void {
    const isRead = this.#queue.length === 0;
    // Who sent a request has read the answer to the one before, unless part of that still waits here.
    if (isReply && isRead) this.#queue.refill();
    if (!isReply) this.#replaceKeepalive(packets[0], isRead);
    // A host that stopped reading long ago loses the end of this message too, rather than a piece out of it.
    if (!packets.every((packet) => this.#queue.push(packet)))
      this.#log.warn("CTAPHID: the host does not read its replies");
  }

  /** One unread keepalive says as much as many, which would keep the answer waiting behind them. */
  #replaceKeepalive(keepalive: Uint8Array | undefined, isRead: boolean): void {
    this.#queue.withdraw((packet) => packet === this.#lastKeepalive);
    this.#lastKeepalive = keepalive;
    this.#unreadKeepalives = isRead ? 0 : this.#unreadKeepalives + 1;
    if (this.#unreadKeepalives >= UNREAD_KEEPALIVES) {
      this.#unreadKeepalives = 0;
      this.#dispatcher.cancelUnread();
    }
  }
}
