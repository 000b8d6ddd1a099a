# Makes a credential with python-fido2, and again with the first one in the exclude list; prints the error's name. CTAP 2.1 §6.1.2.
import os

from fido2.ctap import CtapError
from fido2.ctap2 import CTAP2
from fido2.hid import CtapHidDevice

ctap = CTAP2(next(CtapHidDevice.list_devices()))
rp = {"id": "exclude.example", "name": "Exclude"}
user = {"id": b"user", "name": "user"}
parameters = [{"type": "public-key", "alg": -7}]

made = ctap.make_credential(os.urandom(32), rp, user, parameters)
exclude = [{"type": "public-key", "id": made.auth_data.credential_data.credential_id}]
try:
    ctap.make_credential(os.urandom(32), rp, user, parameters, exclude_list=exclude)
    print("made it again")
except CtapError as error:
    print(error.code.name)
