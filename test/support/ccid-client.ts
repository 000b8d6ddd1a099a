// The host's side of CCID, for an attached key: finds the smart card interface by its class and exchanges messages as a
// driver does. CCID 1.1 §6
import { concat } from "../../src/bytes/concat.ts";
import { DescriptorType, EndpointDescriptor, eachDescriptor, InterfaceDescriptor } from "../../src/usb/descriptors.ts";
import type { ImportedDevice } from "../../src/usbip/client.ts";

const SMART_CARD_CLASS = 0x0b;
const HEADER_SIZE = 10;
/** What libccid and scdaemon read at most is more than any message. */
const READ_LENGTH = 65_536;

const Message = { POWER_ON: 0x62, POWER_OFF: 0x63, SLOT_STATUS: 0x65, XFR_BLOCK: 0x6f, ABORT: 0x72 } as const;
const TIME_EXTENSION = 0x80;
const Level = { WHOLE: 0x0000, ASKS: 0x0010 } as const;
const MORE_FOLLOWS = 0x01;

export interface CcidReply {
  readonly type: number;
  readonly bSeq: number;
  readonly bStatus: number;
  readonly bError: number;
  readonly bSpecific: number;
  readonly abData: Uint8Array;
}

export class CcidClient {
  readonly #device: ImportedDevice;
  readonly #interfaceNumber: number;
  readonly #bulk: number;
  readonly #interrupt: number;
  #bSeq = 0;
  /** Time extensions since the client was opened. */
  timeExtensions = 0;

  private constructor(device: ImportedDevice, interfaceNumber: number, bulk: number, interrupt: number) {
    this.#device = device;
    this.#interfaceNumber = interfaceNumber;
    this.#bulk = bulk;
    this.#interrupt = interrupt;
  }

  static async open(device: ImportedDevice): Promise<CcidClient> {
    const setup = { bmRequestType: 0x80, bRequest: 6, wValue: DescriptorType.CONFIGURATION << 8, wIndex: 0 };
    const configuration = await device.controlIn({ ...setup, wLength: 4096 });
    let interfaceNumber: number | undefined;
    let isReader = false;
    const addresses: number[] = [];
    for (const { bDescriptorType, bytes } of eachDescriptor(configuration)) {
      if (bDescriptorType === DescriptorType.INTERFACE) {
        const { bInterfaceClass, bInterfaceNumber } = InterfaceDescriptor.parse(bytes);
        isReader = bInterfaceClass === SMART_CARD_CLASS;
        if (isReader) interfaceNumber = bInterfaceNumber;
      } else if (isReader && bDescriptorType === DescriptorType.ENDPOINT) {
        addresses.push(EndpointDescriptor.parse(bytes).bEndpointAddress);
      }
    }
    const [out, , interrupt] = addresses;
    if (interfaceNumber === undefined || out === undefined || interrupt === undefined) throw new Error("no reader");
    return new CcidClient(device, interfaceNumber, out, interrupt & 0x7f);
  }

  /** The ATR. */
  async powerOn(): Promise<Uint8Array> {
    return succeeded(await this.exchange(Message.POWER_ON)).abData;
  }

  powerOff(): Promise<CcidReply> {
    return this.exchange(Message.POWER_OFF);
  }

  slotStatus(): Promise<CcidReply> {
    return this.exchange(Message.SLOT_STATUS);
  }

  /** Sends an APDU and gives the whole response, status word included. */
  async transmit(apdu: Uint8Array): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let reply = succeeded(await this.exchange(Message.XFR_BLOCK, Level.WHOLE, apdu));
    parts.push(reply.abData);
    while ((reply.bSpecific & MORE_FOLLOWS) !== 0) {
      reply = succeeded(await this.exchange(Message.XFR_BLOCK, Level.ASKS));
      parts.push(reply.abData);
    }
    return concat(...parts);
  }

  /** Both halves of an abort; resolves with the bulk message's answer. */
  async abort(): Promise<CcidReply> {
    const bSeq = this.#bSeq;
    const setup = { bmRequestType: 0x21, bRequest: 0x01, wValue: bSeq << 8, wIndex: this.#interfaceNumber };
    await this.#device.controlOut(setup);
    await this.#send(Message.ABORT, 0, new Uint8Array(0));
    return this.receive();
  }

  /** The next slot change: its bmSlotICCState. */
  async notification(signal?: AbortSignal): Promise<number> {
    const [type, state] = await this.#device.transferIn(this.#interrupt, 8, signal);
    if (type !== 0x50 || state === undefined) throw new Error("no RDR_to_PC_NotifySlotChange");
    return state;
  }

  async exchange(type: number, level = 0, abData: Uint8Array = new Uint8Array(0)): Promise<CcidReply> {
    await this.#send(type, level, abData);
    return this.receive();
  }

  /** Sends an APDU without waiting for its answer. */
  send(apdu: Uint8Array): Promise<void> {
    return this.#send(Message.XFR_BLOCK, Level.WHOLE, apdu);
  }

  /** The next answer that is none of more time. */
  async receive(): Promise<CcidReply> {
    for (;;) {
      const bytes = Buffer.from(await this.#device.transferIn(this.#bulk, READ_LENGTH));
      const [type = 0, , , , , , bSeq = 0, bStatus = 0, bError = 0, bSpecific = 0] = bytes;
      const abData = new Uint8Array(bytes.subarray(HEADER_SIZE));
      if (bytes.readUInt32LE(1) !== abData.length) throw new Error("dwLength is not the length");
      if ((bStatus & 0xc0) !== TIME_EXTENSION) return { type, bSeq, bStatus, bError, bSpecific, abData };
      this.timeExtensions += 1;
    }
  }

  async #send(type: number, level: number, abData: Uint8Array): Promise<void> {
    const header = Buffer.alloc(HEADER_SIZE);
    header.writeUInt8(type, 0);
    header.writeUInt32LE(abData.length, 1);
    header.writeUInt8(this.#bSeq, 6);
    header.writeUInt16LE(level, 8);
    this.#bSeq = (this.#bSeq + 1) & 0xff;
    await this.#device.transferOut(this.#bulk, concat(header, abData));
  }
}

function succeeded(reply: CcidReply): CcidReply {
  if ((reply.bStatus & 0xc0) === 0) return reply;
  throw new Error(`status ${reply.bStatus.toString(16)}, error ${reply.bError.toString(16)}`);
}
