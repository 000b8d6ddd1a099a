# Runs a program whose file descriptors 3 and 4 are one connection to the tests: dial.py HOST PORT PROGRAM ARGUMENT…
# So a browser's debugging pipe leaves the guest without a port that anyone listens on.
import os
import socket
import sys

host, port, *command = sys.argv[1:]
connection = socket.create_connection((host, int(port)))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
spare = os.dup2(connection.fileno(), 10)  # beyond the two numbers that it is to have
os.dup2(spare, 3)
os.dup2(spare, 4)
os.execvp(command[0], command)
