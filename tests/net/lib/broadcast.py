#!/usr/bin/env python3
"""broadcast.py send ADDRESS PORT IF COUNT TTL | recv ADDRESS PORT IF: broadcasts, which the probe
neither sends nor receives. The receiver prints how many came, once SIGTERM has come and nothing
waits any more."""
import select
import signal
import socket
import sys

SO_RCVBUFFORCE = 33


def send(sock, where, count, ttl):
    """So many datagrams, a little apart."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    for i in range(count):
        sock.sendto(b"broadcast %d" % i, where)
        select.select([], [], [], 0.0005)


def recv(sock, where):
    """Counts until it is told to end."""
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    sock.bind(where)
    print("ready", file=sys.stderr, flush=True)
    count = 0
    while True:
        last = bool(ended)  # before the look, or what comes between them is missed
        if select.select([sock], [], [], 0 if last else 0.1)[0]:
            sock.recv(65536)
            count += 1
        elif last:
            break
    print(count)


def main():
    """As the first argument says."""
    what, address, port, interface, *more = sys.argv[1:]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
    if what == "send":
        send(sock, (address, int(port)), int(more[0]), int(more[1]))
    else:
        recv(sock, (address, int(port)))


main()
