# Plugs a key in and out by the usbip program: each time until it is enumerated and its hidraw node is there, and until device and node are
# gone and the port is free again. In between the kernel complains about itself: see waitForEnumeration in attach.ts.
#
#   cycle.py HOST TCP_PORT COUNT
import glob
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


# Of devices; root hubs are called usb1, usb2, and interfaces, which look like devices, have no such file.
CONFIGURATIONS = "/sys/bus/usb/devices/[0-9]*-*/bConfigurationValue"


def configured_devices():
    """How many devices are enumerated; reading the file waits for the drivers' probes."""
    count = 0
    for path in glob.glob(CONFIGURATIONS):
        try:
            with open(path) as value:
                count += value.read().strip() != ""
        except OSError:
            pass  # it left meanwhile
    return count


def is_gone():
    return not used_ports() and not has_node() and not glob.glob(CONFIGURATIONS)


def main():
    host, tcp_port, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for _ in range(count):
        subprocess.run(["usbip", "--tcp-port", tcp_port, "attach", "-r", host, "-b", "1-1"], check=True)
        wait_until("the key was enumerated and had a node", lambda: configured_devices() == 1 and has_node())
        for port in used_ports():
            subprocess.run(["usbip", "detach", "-p", str(port)], check=True)
        wait_until("the port was free, and the device and its node gone", is_gone)


main()
