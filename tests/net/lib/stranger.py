#!/usr/bin/env python3
"""Another program's socket on a port of the relay's: stranger.py KIND ADDRESS PORT [DEVICE].

KIND is wildcard (SO_REUSEADDR on any address), or reuseport (SO_REUSEPORT on ADDRESS and DEVICE).
Prints `ready' on standard error; at SIGTERM, how many datagrams it has heard."""
import signal
import socket
import sys

kind, address, port, *device = sys.argv[1:]
heard = 0


def end(*_):
    sock.setblocking(False)
    count = heard
    try:
        while True:
            sock.recv(65536)
            count += 1
    except BlockingIOError:
        pass
    print(count)
    sys.stdout.flush()
    sys.exit(0)


family = socket.AF_INET6 if ":" in address else socket.AF_INET
sock = socket.socket(family, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
if kind == "wildcard":
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    address = "::" if family == socket.AF_INET6 else "0.0.0.0"
else:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if device:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device[0].encode())
sock.bind((address, int(port)))
signal.signal(signal.SIGTERM, end)
print("ready", file=sys.stderr, flush=True)
while True:
    signal.pause()
