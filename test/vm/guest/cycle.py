# Plugs a key in and out by the usbip program: each time until its hidraw node is there, and until the node is gone and the port is free again.
#
#   cycle.py HOST TCP_PORT COUNT
import os
import subprocess
import sys
import time

STATUS = "/sys/devices/platform/vhci_hcd.0/status"
LIMIT = 20.0


def wait_until(what, look):
    end = time.monotonic() + LIMIT
    while not look():
        if time.monotonic() > end:
            sys.exit(f"waited in vain until {what}")
        time.sleep(0.005)


def used_ports():
    with open(STATUS) as status:
        rows = [line.split() for line in status.readlines()[1:]]
    return [int(port) for _, port, state, *_ in rows if state != "004"]


def has_node():
    return any(name.startswith("hidraw") for name in os.listdir("/sys/class/hidraw"))


def main():
    host, tcp_port, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for _ in range(count):
        subprocess.run(["usbip", "--tcp-port", tcp_port, "attach", "-r", host, "-b", "1-1"], check=True)
        wait_until("there was a node", has_node)
        for port in used_ports():
            subprocess.run(["usbip", "detach", "-p", str(port)], check=True)
        wait_until("the port was free and the node gone", lambda: not used_ports() and not has_node())


main()
