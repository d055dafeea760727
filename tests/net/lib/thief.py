#!/usr/bin/env python3
"""A local user who wants what comes to a unicast port of the relay's: thief.py ADDRESS PORT DEVICE
PEER, as root, to become a user who is nobody's. Tries each way that is known to get a socket to
which the kernel gives it, rather than to the relay's own, and prints what became of it: `open', or
why not. The thief keeps none."""
import ctypes
import errno
import os
import socket
import sys

address, port, device, peer = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
anywhere, elsewhere = ("::", "::1") if family == socket.AF_INET6 else ("0.0.0.0", "127.0.0.5")
libc = ctypes.CDLL(None, use_errno=True)


def bound(at, *options, on=None):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    for option in options:
        sock.setsockopt(socket.SOL_SOCKET, option, 1)
    if on:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, on)
    sock.bind((at, port))
    return sock


def disconnect(sock):
    """Which also takes the device from it; the address and the port remain."""
    if libc.connect(sock.fileno(), bytes(28), 28) != 0:
        raise OSError(ctypes.get_errno(), "connect")


def beside(*options):
    """As another socket of the same address."""
    return [bound(address, *options, on=device)]


def by_device():
    """From another device, where nobody is in the way, without any permission to share."""
    sock = bound(address, on=b"lo")
    disconnect(sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
    return [sock]


def behind_a_friend(at, on, then):
    """The kernel looks no further than to the first socket that is in the way: a friend's, who
    shares."""
    return [bound(at, socket.SO_REUSEPORT, on=on), bound(then, socket.SO_REUSEPORT)]


def as_a_peer():
    """From any address, which a connection makes that of the relay's."""
    socks = behind_a_friend(elsewhere, None, anywhere)
    socks[1].connect((peer, 9))
    return socks


WAYS = {
    "REUSEADDR": lambda: beside(socket.SO_REUSEADDR),
    "REUSEPORT": lambda: beside(socket.SO_REUSEPORT),
    "both": lambda: beside(socket.SO_REUSEADDR, socket.SO_REUSEPORT),
    "device": by_device,
    "friend": lambda: behind_a_friend(address, b"lo", address),
    "peer": as_a_peer,
}

os.setgroups([])
os.setresgid(65533, 65533, 65533)
os.setresuid(65533, 65533, 65533)
for name, way in WAYS.items():
    try:
        for sock in way():
            sock.close()
        print(name, "open")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
