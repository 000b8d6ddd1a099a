# Joins a port of the guest, once somebody listens there, with a connection to the tests: relay.py LOCAL_PORT HOST PORT
import socket
import sys
import threading
import time

LIMIT = 300.0


def connect(address):
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def wait_for(address):
    end = time.monotonic() + LIMIT
    while True:
        try:
            return connect(address)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                sys.exit(f"nobody listens on {address}")
            time.sleep(0.2)


def copy(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


local_port, host, port = sys.argv[1:]
inside = wait_for(("127.0.0.1", int(local_port)))
outside = connect((host, int(port)))
back = threading.Thread(target=copy, args=(inside, outside))
back.start()
copy(outside, inside)
back.join()
