import { expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import {
  Command,
  cborMap,
  credentialParameter,
  descriptor,
  getAssertionParameters,
  makeCredentialParameters,
  send,
  verifyAssertion,
  verifyRegistration,
} from "../support/fido-client.ts";
import { createTestPlatform } from "../support/platform.ts";

test.each([
  ["ES256", -7, false],
  ["ES256", -7, true],
  ["EdDSA", -8, false],
  ["EdDSA", -8, true],
])("A credential for %s (%i), discoverable: %s, is made and signs", async (_name, alg, rk) => {
  const platform = createTestPlatform();
  const authenticator = new Fido2Authenticator(platform);
  const reply = await send(
    authenticator,
    Command.MAKE_CREDENTIAL,
    makeCredentialParameters({ 4: [credentialParameter(alg)], 7: cborMap({ rk }) }),
  );
  const { credentialId, publicKey, authData } = verifyRegistration(reply);
  expect(authData.flags).toBe(0x41);
  expect(platform.lines).toEqual([]);
  const assertion = await send(
    authenticator,
    Command.GET_ASSERTION,
    getAssertionParameters({ 3: [descriptor(credentialId)] }),
  );
  verifyAssertion(assertion, publicKey);
});
