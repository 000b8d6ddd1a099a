# CTAPHID_PING through a hidraw node, as a FIDO client sends it. CTAP 2.1 §11.2.4 (packets), §11.2.9.1.3 and .4 (INIT, PING).
#
#   ctaphid_ping.py NODE LENGTH COUNT
#
# Prints one line of JSON: how many of COUNT messages came back whole, what went wrong with the others, and the times in milliseconds.
import json
import os
import random
import select
import struct
import sys
import time

PACKET, INIT_DATA, CONT_DATA = 64, 57, 59
BROADCAST, PING, INIT, ERROR, KEEPALIVE = 0xFFFFFFFF, 0x81, 0x86, 0xBF, 0xBB
WAIT = 5.0


class PingError(Exception):
    pass


def send(node, channel, command, message):
    packets = [struct.pack(">IBH", channel, command, len(message)) + message[:INIT_DATA]]
    for sequence, start in enumerate(range(INIT_DATA, len(message), CONT_DATA)):
        packets.append(struct.pack(">IB", channel, sequence) + message[start:start + CONT_DATA])
    for packet in packets:
        # hidraw wants the report number first; 0 stands for a device that has none.
        os.write(node, b"\0" + packet.ljust(PACKET, b"\0"))


def receive_packet(node, deadline):
    if not select.select([node], [], [], max(0, deadline - time.monotonic()))[0]:
        raise PingError("no packet in time")
    return os.read(node, PACKET)


def receive(node, channel):
    deadline = time.monotonic() + WAIT
    while True:
        packet = receive_packet(node, deadline)
        sender, command, length = struct.unpack(">IBH", packet[:7])
        if sender == channel and command != KEEPALIVE:
            break
    message = packet[7:7 + length]
    sequence = 0
    while len(message) < length:
        packet = receive_packet(node, deadline)
        sender, number = struct.unpack(">IB", packet[:5])
        if sender != channel:
            continue
        if number != sequence:
            raise PingError(f"packet {number} came instead of {sequence}")
        message += packet[5:5 + min(CONT_DATA, length - len(message))]
        sequence += 1
    return command, message


def drain(node):
    while select.select([node], [], [], 0.3)[0]:
        os.read(node, PACKET)


def main():
    path, length, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    node = os.open(path, os.O_RDWR)
    nonce = os.urandom(8)
    send(node, BROADCAST, INIT, nonce)
    _, reply = receive(node, BROADCAST)
    assert reply[:8] == nonce
    channel = struct.unpack(">I", reply[8:12])[0]

    whole, faults, times = 0, [], []
    for _ in range(count):
        message = random.randbytes(length)
        start = time.monotonic()
        try:
            send(node, channel, PING, message)
            command, answer = receive(node, channel)
            if command == ERROR:
                raise PingError(f"error {answer.hex()}")
            if (command, answer) != (PING, message):
                raise PingError("another message came back")
            times.append((time.monotonic() - start) * 1000)
            whole += 1
        except PingError as fault:
            faults.append(str(fault))
            drain(node)
    times.sort()
    print(json.dumps({
        "whole": whole,
        "faults": faults,
        "fastest": times[0] if times else None,
        "median": times[len(times) // 2] if times else None,
        "slowest": times[-1] if times else None,
    }))


main()
