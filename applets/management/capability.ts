// The applications that a YubiKey's configuration can turn on and off, as bits. Yubico, "YubiKey 5 Series Configuration
// Reference"; yubikit/management.py, CAPABILITY. HSMAUTH (0x100) is not one of ours.
export const Capability = {
  OTP: 0x001,
  U2F: 0x002,
  OPENPGP: 0x008,
  PIV: 0x010,
  OATH: 0x020,
  FIDO2: 0x200,
} as const;
export type Capability = (typeof Capability)[keyof typeof Capability];

/** As the owner's commands spell them. */
export const CAPABILITY_NAMES = {
  otp: Capability.OTP,
  u2f: Capability.U2F,
  openpgp: Capability.OPENPGP,
  piv: Capability.PIV,
  oath: Capability.OATH,
  fido2: Capability.FIDO2,
} as const;
export type CapabilityName = keyof typeof CAPABILITY_NAMES;

export function namesOfCapabilities(capabilities: number): CapabilityName[] {
  return (Object.keys(CAPABILITY_NAMES) as CapabilityName[]).filter(
    (name) => (capabilities & CAPABILITY_NAMES[name]) !== 0,
  );
}
