// A key's administration in the process that has its store.
import type { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import type { OathApplet } from "../../applets/oath/applet.ts";
import type { OpenPgpApplet } from "../../applets/openpgp/applet.ts";
import type { PivApplet } from "../../applets/piv/applet.ts";
import { AttestationAdministration } from "./attestation-administration.ts";
import { FidoAdministration } from "./fido-administration.ts";
import { type IdentifiedKey, IdentityAdministration } from "./identity-administration.ts";
import type { Administration } from "./messages.ts";
import { OathAdministration } from "./oath-administration.ts";
import { OpenPgpAdministration } from "./openpgp-administration.ts";
import { OtpAdministration, type OtpKey } from "./otp-administration.ts";
import { PivAdministration } from "./piv-administration.ts";

/** SecurityKey is one. */
export interface AdministeredKey extends IdentifiedKey, OtpKey {
  readonly applications: IdentifiedKey["applications"] &
    OtpKey["applications"] & {
      readonly fido2: Fido2Authenticator;
      readonly oath: OathApplet;
      readonly openpgp: OpenPgpApplet;
      readonly piv: PivApplet;
    };
}

export function administer(key: AdministeredKey): Administration {
  const { serialNumber, platform } = key;
  const { fido2, oath, openpgp, piv } = key.applications;
  return {
    fido: new FidoAdministration(serialNumber, fido2, platform),
    attestation: new AttestationAdministration(serialNumber, platform),
    identity: new IdentityAdministration(key),
    oath: new OathAdministration(oath.accounts, platform),
    openpgp: new OpenPgpAdministration(serialNumber, openpgp),
    otp: new OtpAdministration(key),
    piv: new PivAdministration(piv, platform),
  };
}
