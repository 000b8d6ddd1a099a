"""Writes LENGTH bytes with authenticatorLargeBlobs and reads them back, over PC/SC: one extended APDU each way. CTAP 2.3 §6.10, §11.3"""
import hashlib
import sys

from smartcard.System import readers

length = int(sys.argv[1])


def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    return bytes([major << 5 | 25]) + value.to_bytes(2, "big")


def apdu(connection, cla, ins, p1, data):
    message = bytes([cla, ins, p1, 0, 0]) + len(data).to_bytes(2, "big") + data + b"\0\0"
    answer, sw1, sw2 = connection.transmit(list(message))
    assert (sw1, sw2) == (0x90, 0x00), f"status word {sw1:02x}{sw2:02x}"
    return bytes(answer)


def ctap(connection, message):
    answer = apdu(connection, 0x80, 0x10, 0x00, message)
    assert answer[0] == 0, f"CTAP status {answer[0]:02x}"
    return answer[1:]


connection = next(reader for reader in readers() if "00 00" in reader.name).createConnection()
connection.connect()
apdu(connection, 0x00, 0xA4, 0x04, bytes.fromhex("a0000006472f0001"))
data = bytes(index % 251 for index in range(length - 16))
blob = data + hashlib.sha256(data).digest()[:16]
ctap(connection, b"\x0c\xa3\x02" + head(2, len(blob)) + blob + b"\x03\x00\x04" + head(0, len(blob)))
read = ctap(connection, b"\x0c\xa2\x01" + head(0, len(blob)) + b"\x03\x00")
assert read == b"\xa1\x01" + head(2, len(blob)) + blob, "what was read is not what was written"
print("same", len(blob))
