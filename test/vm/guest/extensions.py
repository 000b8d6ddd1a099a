# Registers and signs in with every extension that python-fido2 knows, with a PIN, by both PIN/UV auth protocols, and manages what
# it made. python-fido2 checks that each reply is canonical CBOR. Prints a line for each thing that was as it should be.
import os

from fido2.ctap2 import ClientPin, Config, CredentialManagement, Ctap2, LargeBlobs
from fido2.ctap2.extensions import HmacSecretExtension
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2
from fido2.hid import CtapHidDevice

PIN = "correct-horse"
RP = {"id": "extensions.example", "name": "Extensions"}

ctap = Ctap2(next(CtapHidDevice.list_devices()), strict_cbor=True)
ClientPin(ctap).set_pin(PIN)


def check(holds, what):
    print(what if holds else f"WRONG: {what}")


def token(pin, permissions):
    return pin.get_pin_token(PIN, permissions, None if permissions & 0x3C else RP["id"])


def round_trip(protocol):
    name = f"protocol {protocol.VERSION}"
    pin = ClientPin(ctap, protocol)
    user = {"id": name.encode(), "name": name, "displayName": name}
    challenge = os.urandom(32)
    auth = protocol.authenticate(token(pin, ClientPin.PERMISSION.MAKE_CREDENTIAL), challenge)
    made = ctap.make_credential(
        challenge, RP, user, [{"type": "public-key", "alg": -7}],
        extensions={"hmac-secret": True, "credProtect": 2, "credBlob": b"a small blob", "largeBlobKey": True, "minPinLength": True},
        options={"rk": True}, pin_uv_param=auth, pin_uv_protocol=protocol.VERSION,
    )
    outputs = made.auth_data.extensions
    check(outputs.get("hmac-secret") is True and outputs.get("credProtect") == 2 and outputs.get("credBlob") is True, f"{name}: made with extensions")
    check(made.auth_data.is_user_verified(), f"{name}: verified")
    credential = made.auth_data.credential_data

    secrets = []
    salt1, salt2 = os.urandom(32), os.urandom(32)
    for salts in ({"salt1": salt1}, {"salt1": salt1, "salt2": salt2}):
        hmac_secret = HmacSecretExtension(ctap, protocol)
        challenge = os.urandom(32)
        auth = protocol.authenticate(token(pin, ClientPin.PERMISSION.GET_ASSERTION), challenge)
        asserted = ctap.get_assertion(
            RP["id"], challenge, [{"type": "public-key", "id": credential.credential_id}],
            extensions={"hmac-secret": hmac_secret.process_get_input({"hmacGetSecret": salts}), "credBlob": True, "largeBlobKey": True},
            pin_uv_param=auth, pin_uv_protocol=protocol.VERSION,
        )
        asserted.verify(challenge, credential.public_key)
        secrets.append(hmac_secret.process_get_output(asserted.auth_data)["hmacGetSecret"])
        check(asserted.auth_data.extensions.get("credBlob") == b"a small blob", f"{name}: credBlob")
    check(secrets[0]["output1"] == secrets[1]["output1"] and "output2" in secrets[1], f"{name}: hmac-secret, one salt and two")

    key = asserted.data[asserted.KEY.LARGE_BLOB_KEY] if hasattr(asserted.KEY, "LARGE_BLOB_KEY") else asserted.data[7]
    blobs = LargeBlobs(ctap, protocol, token(pin, ClientPin.PERMISSION.LARGE_BLOB_WRITE))
    blobs.put_blob(key, b"x" * 2000)
    check(blobs.get_blob(key) == b"x" * 2000, f"{name}: large blob")


for each in (PinProtocolV1(), PinProtocolV2()):
    round_trip(each)

protocol = PinProtocolV2()
pin = ClientPin(ctap, protocol)
management = CredentialManagement(ctap, protocol, token(pin, ClientPin.PERMISSION.CREDENTIAL_MGMT))
relying_parties = management.enumerate_rps()
found = management.enumerate_creds(relying_parties[0][CredentialManagement.RESULT.RP_ID_HASH])
check(len(relying_parties) == 1 and len(found) == 2, "two credentials listed")
first = found[0][CredentialManagement.RESULT.CREDENTIAL_ID]
management.update_user_info(first, {"id": found[0][CredentialManagement.RESULT.USER]["id"], "name": "renamed", "displayName": "Renamed"})
names = [each[CredentialManagement.RESULT.USER]["name"] for each in management.enumerate_creds(relying_parties[0][CredentialManagement.RESULT.RP_ID_HASH])]
check("renamed" in names, "one renamed")
management.delete_cred(first)
check(management.get_metadata()[CredentialManagement.RESULT.EXISTING_CRED_COUNT] == 1, "one deleted")

config = Config(ctap, protocol, token(pin, ClientPin.PERMISSION.AUTHENTICATOR_CFG))
config.set_min_pin_length(6, [RP["id"]])
challenge = os.urandom(32)
auth = protocol.authenticate(token(pin, ClientPin.PERMISSION.MAKE_CREDENTIAL), challenge)
made = ctap.make_credential(
    challenge, RP, {"id": b"min", "name": "min"}, [{"type": "public-key", "alg": -8}],
    extensions={"minPinLength": True}, pin_uv_param=auth, pin_uv_protocol=protocol.VERSION,
)
check(made.auth_data.extensions == {"minPinLength": 6}, "the minimum PIN length told to its relying party")
