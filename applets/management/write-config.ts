// WRITE CONFIG: changes the configuration, all of it or nothing.
//
//   length | tag length value …     each tag at most once; 0B, the lock code, opens what has one
import { isEqualConstantTime } from "../../src/bytes/equal.ts";
import { Reader, ReaderError } from "../../src/bytes/reader.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { parseTlvs } from "../../src/iso7816/tlv.ts";
import { type ConfigurationValues, type DeviceConfiguration, LOCK_CODE_LENGTH } from "./configuration.ts";
import { Tag } from "./tag.ts";

/** The tags that can be written, with the lengths of their values. */
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [Tag.USB_ENABLED, 2],
  [Tag.AUTO_EJECT_TIMEOUT, 2],
  [Tag.CHALLENGE_RESPONSE_TIMEOUT, 1],
  [Tag.DEVICE_FLAGS, 1],
  [Tag.CONFIG_LOCK, LOCK_CODE_LENGTH],
  [Tag.UNLOCK, LOCK_CODE_LENGTH],
  [Tag.REBOOT, 0],
  // Clients send these to keys with NFC. Over USB there is nothing to turn off; see device-info.ts.
  [Tag.NFC_ENABLED, 2],
  [Tag.NFC_RESTRICTED, 1],
]);

/**
 * Throws StatusError: WRONG_DATA for what is malformed or would turn everything off, SECURITY_STATUS_NOT_SATISFIED
 * without the lock code. REBOOT is taken, and what it is for comes with the next attach: no USB device can make a host
 * that has it read its descriptors anew, save by leaving, and over USB/IP nobody would plug it in again.
 */
export async function writeConfig(
  configuration: DeviceConfiguration,
  data: Uint8Array,
  isForeignReader = false,
): Promise<void> {
  const members = parseMembers(data);
  verifyUnlocked(configuration, members.get(Tag.UNLOCK));
  await configuration.change(readChanges(configuration, members, isForeignReader));
}

/** Throws StatusError unless the configuration has no lock code, or this one. */
export function verifyUnlocked(configuration: DeviceConfiguration, lockCode: Uint8Array | undefined): void {
  if (!configuration.isLocked) return;
  if (lockCode === undefined || !isEqualConstantTime(configuration.values.lockCode, lockCode)) {
    throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
  }
}

function parseMembers(data: Uint8Array): ReadonlyMap<number, Uint8Array> {
  try {
    const tlvs = parseTlvs(withoutLength(data));
    const members = new Map(tlvs.map(({ tag, value }) => [tag, value]));
    const isKnown = tlvs.every(({ tag, value }) => LENGTHS.get(tag) === value.length);
    if (isKnown && members.size === tlvs.length) return members;
  } catch (error) {
    if (!(error instanceof ReaderError)) throw error;
  }
  throw new StatusError(StatusWord.WRONG_DATA);
}

/** Throws ReaderError unless the first byte says how many follow. */
function withoutLength(data: Uint8Array): Uint8Array {
  const reader = new Reader(data);
  const body = reader.bytes(reader.u8());
  reader.end();
  return body;
}

function readChanges(
  configuration: DeviceConfiguration,
  members: ReadonlyMap<number, Uint8Array>,
  isForeignReader: boolean,
): Partial<ConfigurationValues> {
  const read = <T>(tag: number, use: (value: Uint8Array) => T) => {
    const value = members.get(tag);
    return value === undefined ? undefined : use(value);
  };
  // One set for both: the same card is in either reader.
  const enabledTag = isForeignReader && !members.has(Tag.USB_ENABLED) ? Tag.NFC_ENABLED : Tag.USB_ENABLED;
  const changes = {
    disabled: read(enabledTag, (value) => disable(configuration, new Reader(value).u16be())),
    autoEjectTimeout: read(Tag.AUTO_EJECT_TIMEOUT, (value) => new Reader(value).u16be()),
    challengeResponseTimeout: read(Tag.CHALLENGE_RESPONSE_TIMEOUT, (value) => new Reader(value).u8()),
    deviceFlags: read(Tag.DEVICE_FLAGS, (value) => new Reader(value).u8()),
    lockCode: read(Tag.CONFIG_LOCK, readLockCode),
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

/** What is off when exactly `enabled` is to be on. Bits of what the key does not have mean nothing. */
export function disable({ supported }: DeviceConfiguration, enabled: number): number {
  if ((supported & enabled) === 0) throw new StatusError(StatusWord.WRONG_DATA);
  return supported & ~enabled;
}

/** All zeros stand for none: ykman clears a lock code so. */
function readLockCode(value: Uint8Array): Uint8Array {
  return value.every((byte) => byte === 0) ? new Uint8Array(0) : Uint8Array.from(value);
}
