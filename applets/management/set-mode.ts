// SET MODE, the way to turn USB interfaces on and off before WRITE CONFIG. yubikit/management.py, Mode and set_mode
//
//   code | challenge-response timeout | auto-eject timeout, two bytes, little-endian
//   code: bits 0–2 choose the interfaces, bit 7 the auto-eject
import { Reader, ReaderError } from "../../src/bytes/reader.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { Capability } from "./capability.ts";
import type { DeviceConfiguration } from "./configuration.ts";
import { DeviceFlag } from "./tag.ts";
import { disable, verifyUnlocked } from "./write-config.ts";

const { OTP } = Capability;
const FIDO = Capability.U2F | Capability.FIDO2;
const CCID = Capability.OPENPGP | Capability.PIV | Capability.OATH;

/** By the code; the one after the last stands for nothing. */
const MODES = [OTP, CCID, OTP | CCID, FIDO, OTP | FIDO, FIDO | CCID, OTP | FIDO | CCID] as const;
const MODE = 0x07;

/** Throws StatusError, for the same reasons as writeConfig. */
export async function setMode(configuration: DeviceConfiguration, data: Uint8Array): Promise<void> {
  const { code, challengeResponseTimeout, autoEjectTimeout } = parseMode(data);
  const enabled = MODES[code & MODE];
  if (enabled === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  const disabled = disable(configuration, enabled);
  verifyUnlocked(configuration, undefined);
  const flags = configuration.values.deviceFlags & ~DeviceFlag.EJECT;
  const deviceFlags = flags | (code & DeviceFlag.EJECT);
  await configuration.change({ disabled, challengeResponseTimeout, autoEjectTimeout, deviceFlags });
}

function parseMode(data: Uint8Array) {
  try {
    const reader = new Reader(data);
    const code = reader.u8();
    const challengeResponseTimeout = reader.u8();
    const autoEjectTimeout = reader.u16le();
    reader.end();
    return { code, challengeResponseTimeout, autoEjectTimeout };
  } catch (error) {
    if (error instanceof ReaderError) throw new StatusError(StatusWord.WRONG_DATA);
    throw error;
  }
}
