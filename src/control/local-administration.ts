// A key's administration in the process that has its store.
import type { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { buildMetadataStatement } from "../../applets/fido2/metadata.ts";
import type { OathApplet } from "../../applets/oath/applet.ts";
import type { OpenPgpApplet } from "../../applets/openpgp/applet.ts";
import type { OtpApplet } from "../../applets/otp/applet.ts";
import type { PivApplet } from "../../applets/piv/applet.ts";
import type { Platform } from "../platform.ts";
import { AttestationAdministration } from "./attestation-administration.ts";
import { CtapClient } from "./ctap-client.ts";
import { FidoAdministration } from "./fido-administration.ts";
import { type IdentifiedKey, IdentityAdministration } from "./identity-administration.ts";
import type { Administration, AttestationRequest, ConfigureRequest } from "./messages.ts";
import { OathAdministration } from "./oath-administration.ts";
import { OpenPgpAdministration } from "./openpgp-administration.ts";
import { administerOtp } from "./otp-administration.ts";
import { PivAdministration } from "./piv-administration.ts";

/** SecurityKey is one. */
export interface AdministeredKey extends IdentifiedKey {
  readonly fido2: Fido2Authenticator;
  readonly oath: OathApplet;
  readonly openpgp: OpenPgpApplet;
  readonly otp: OtpApplet;
  readonly hasKeyboard: boolean;
  readonly piv: PivApplet;
  readonly platform: Platform;
}

export function administer(key: AdministeredKey): Administration {
  const { serialNumber, fido2, oath, piv, platform } = key;
  const identity = new IdentityAdministration(key);
  const fido = new FidoAdministration(serialNumber, fido2, platform);
  const attestation = new AttestationAdministration(serialNumber, platform);
  const accounts = new OathAdministration(oath.accounts, platform);
  const pivOwner = new PivAdministration(piv, platform);
  const openpgp = new OpenPgpAdministration(serialNumber, key.openpgp);
  return {
    fidoInfo: () => fido.info(),
    listCredentials: (pin) => fido.listCredentials(pin),
    async deleteCredential(id, pin) {
      const deleted = await fido.deleteCredential(id, pin);
      platform.log.info("the owner deleted a FIDO2 credential");
      return deleted;
    },
    async setPin(newPin) {
      await fido.setPin(newPin);
      platform.log.info("the owner set the FIDO2 PIN");
    },
    async changePin(pin, newPin) {
      await fido.changePin(pin, newPin);
      platform.log.info("the owner changed the FIDO2 PIN");
    },
    async resetFido() {
      await fido.reset();
      platform.log.info("the owner reset FIDO2");
    },
    showAttestation: () => attestation.show(),
    createAttestation: (request: AttestationRequest) => attestation.create(request),
    removeAttestation: () => attestation.remove(),
    showIdentity: async () => identity.show(),
    async configure(request: ConfigureRequest) {
      const shown = await identity.configure(request);
      platform.log.info("the owner changed which applications are on");
      return shown;
    },
    async metadata() {
      const getInfo = await new CtapClient(fido2, platform.randomBytes).getInfo();
      return buildMetadataStatement(getInfo, attestation.listRoots());
    },
    listOathAccounts: () => accounts.listOathAccounts(),
    addOathAccount: (request) => accounts.addOathAccount(request),
    oathCode: (name) => accounts.oathCode(name),
    deleteOathAccount: (name) => accounts.deleteOathAccount(name),
    resetOath: () => accounts.resetOath(),
    openPgpInfo: () => openpgp.openPgpInfo(),
    setOpenPgpTouch: (request) => openpgp.setOpenPgpTouch(request),
    resetOpenPgp: () => openpgp.resetOpenPgp(),
    ...administerOtp(key),
    pivInfo: () => pivOwner.pivInfo(),
    resetPiv: () => pivOwner.resetPiv(),
  };
}
