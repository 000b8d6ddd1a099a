// The smart card reader interface of the USB device: between bulk transfers and the reader. USB CCID 1.1 §4 (interface
// and endpoints), §5.3 (class requests), §6.3.1 (RDR_to_PC_NotifySlotChange)
import { concat } from "../bytes/concat.ts";
import { encodeU32le } from "../bytes/integer.ts";
import type { Logger } from "../log.ts";
import { encodeEndpointDescriptor, InterfaceDescriptor } from "../usb/descriptors.ts";
import { type InEndpoint, type OutEndpoint, UsbStall } from "../usb/endpoint.ts";
import { PacketQueue } from "../usb/packet-queue.ts";
import { highByte, lowByte, RequestType } from "../usb/request.ts";
import type { SetupPacket, UsbInterface } from "../usb/types.ts";
import { CommandAssembler, MAX_PACKET_SIZE } from "./assembler.ts";
import { CCID_DESCRIPTOR, CcidClass, CLOCK_FREQUENCY, DATA_RATE } from "./descriptor.ts";
import { Notification } from "./message.ts";
import { UsbCardReader } from "./reader.ts";
import type { Slot } from "./slot.ts";

/** bRequest of the class requests. §5.3, table 5.3-1 */
const ClassRequest = { ABORT: 0x01, GET_CLOCK_FREQUENCIES: 0x02, GET_DATA_RATES: 0x03 } as const;

/** Bits of bmSlotICCState, for slot 0. §6.3.1 */
const SlotState = { PRESENT: 0x01, CHANGED: 0x02 } as const;

/** 2^(9−1) microframes of 125 µs: the host asks every 32 ms. USB 2.0 table 9-13 */
const NOTIFICATION_INTERVAL = 9;
const NOTIFICATION_PACKET_SIZE = 8;

/**
 * Time extensions in a row (2 s of them) that find the one before unread: whoever sent the command has ended, and its
 * touch would keep the next program out until its prompt times out.
 */
const UNREAD_TIME_EXTENSIONS = 4;

const NOTHING = new Uint8Array(0);

export interface CcidInterfaceOptions {
  readonly slot: Slot;
  readonly log: Logger;
  readonly interfaceNumber: number;
  /** The number that both bulk endpoints have, 1–14; the interrupt endpoint has the next. */
  readonly endpoint: number;
  /** Index of the string that names the interface; 0 for none. */
  readonly iInterface?: number;
}

export class CcidInterface implements UsbInterface {
  readonly descriptors: Uint8Array;
  readonly interfaceNumbers: readonly number[];
  readonly endpoints: readonly [OutEndpoint, InEndpoint, InEndpoint];
  readonly #log: Logger;
  readonly #slot: Slot;
  readonly #reader: UsbCardReader;
  readonly #assembler: CommandAssembler;
  readonly #responses = new PacketQueue();
  readonly #notifications = new PacketQueue();
  #lastTimeExtension: Uint8Array | undefined;
  #unreadTimeExtensions = 0;

  constructor({ slot, log, interfaceNumber, endpoint, iInterface = 0 }: CcidInterfaceOptions) {
    this.#log = log;
    this.#slot = slot;
    this.#reader = new UsbCardReader({
      slot,
      log,
      send: (message, isTimeExtension) => this.#send(message, isTimeExtension),
      notify: (isPresent) => this.#notify(isPresent),
    });
    this.#assembler = new CommandAssembler({
      receive: (message) => this.#reader.receive(message),
      refuse: (header) => this.#reader.refuse(header),
      now: () => performance.now(),
    });
    const bulk = { number: endpoint, type: "bulk", maxPacketSize: MAX_PACKET_SIZE, interval: 0 } as const;
    this.endpoints = [
      { ...bulk, direction: "out", receive: (data) => this.#assembler.add(data) },
      { ...bulk, direction: "in", queue: this.#responses },
      {
        direction: "in",
        number: endpoint + 1,
        type: "interrupt",
        maxPacketSize: NOTIFICATION_PACKET_SIZE,
        interval: NOTIFICATION_INTERVAL,
        queue: this.#notifications,
      },
    ];
    this.interfaceNumbers = [interfaceNumber];
    this.descriptors = concat(
      InterfaceDescriptor.encode({
        bInterfaceNumber: interfaceNumber,
        bAlternateSetting: 0,
        bNumEndpoints: this.endpoints.length,
        bInterfaceClass: CcidClass.CLASS,
        bInterfaceSubClass: CcidClass.NO_SUBCLASS,
        bInterfaceProtocol: CcidClass.BULK_PROTOCOL,
        iInterface,
      }),
      CCID_DESCRIPTOR,
      ...this.endpoints.map(encodeEndpointDescriptor),
    );
  }

  control({ bmRequestType, bRequest, wValue }: SetupPacket): Uint8Array {
    if (bmRequestType === RequestType.CLASS_INTERFACE_OUT && bRequest === ClassRequest.ABORT) {
      if (this.#reader.abort(lowByte(wValue), highByte(wValue))) return NOTHING;
    }
    if (bmRequestType === RequestType.CLASS_INTERFACE_IN) {
      if (bRequest === ClassRequest.GET_CLOCK_FREQUENCIES) return encodeU32le(CLOCK_FREQUENCY);
      if (bRequest === ClassRequest.GET_DATA_RATES) return encodeU32le(DATA_RATE);
    }
    throw new UsbStall();
  }

  /** A host takes every slot for empty until it is told otherwise. §6.3.1 */
  reset(): void {
    this.#assembler.reset();
    this.#reader.reset();
    this.#responses.clear();
    this.#unreadTimeExtensions = 0;
    this.#notifications.clear();
    if (this.#slot.isPresent) this.#notify(true);
  }

  dispose(): void {
    this.#reader.dispose();
  }

  #send(message: Uint8Array, isTimeExtension: boolean): void {
    const isRead = this.#responses.length === 0;
    if (isTimeExtension) this.#replaceTimeExtension(message, isRead);
    if (!this.#responses.push(message)) this.#log.warn("CCID: the host does not read its answers");
  }

  /** One unread time extension says as much as many, which would keep the answer waiting behind them. */
  #replaceTimeExtension(message: Uint8Array, isRead: boolean): void {
    this.#responses.withdraw((packet) => packet === this.#lastTimeExtension);
    this.#lastTimeExtension = message;
    this.#unreadTimeExtensions = isRead ? 0 : this.#unreadTimeExtensions + 1;
    if (this.#unreadTimeExtensions < UNREAD_TIME_EXTENSIONS) return;
    this.#unreadTimeExtensions = 0;
    this.#reader.cancelUnread();
  }

  /** What has not been read yet is out of date. */
  #notify(isPresent: boolean): void {
    this.#notifications.clear();
    const bmSlotICCState = SlotState.CHANGED | (isPresent ? SlotState.PRESENT : 0);
    this.#notifications.push(Uint8Array.of(Notification.NOTIFY_SLOT_CHANGE, bmSlotICCState));
  }
}
