# Asks the key for a credential by python-fido2, and takes the request back (CTAPHID_CANCEL) as soon as the key says that it waits for a touch.
# Prints the error's name and, as a second line, how many milliseconds after the cancellation it came. CTAP 2.1 §11.2.9.1.5.
import os
import time
from threading import Event

from fido2.ctap import STATUS, CtapError
from fido2.ctap2 import CTAP2
from fido2.hid import CtapHidDevice

ctap = CTAP2(next(CtapHidDevice.list_devices()))
cancel = Event()
asked = 0.0


def on_keepalive(status):
    global asked
    if status == STATUS.UPNEEDED:
        asked = time.monotonic()
        cancel.set()


try:
    ctap.make_credential(
        os.urandom(32),
        {"id": "cancel.example", "name": "Cancel"},
        {"id": b"user", "name": "user"},
        [{"type": "public-key", "alg": -7}],
        event=cancel,
        on_keepalive=on_keepalive,
    )
    print("granted")
except CtapError as error:
    print(error.code.name)
    print(round((time.monotonic() - asked) * 1000))
