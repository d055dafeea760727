#!/usr/bin/env python3
"""questions.py answer ADDRESS PORT IF N | ask ADDRESS PORT IF COUNT ANSWERS: questions, sent to a
group or a host, that are answered to whoever sent them, N times each. Who asks waits for ANSWERS,
and whether more come, and prints how many came from the port that was asked, and how many from
others; who answers goes on until it is ended."""
import ipaddress
import select
import socket
import struct
import sys

PATIENCE_S, MORE_S = 120, 1


def opened(address, interface):
    """A socket that may send to it, and whether it is a group."""
    version = ipaddress.ip_address(address).version
    sock = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    index = socket.if_nametoindex(interface)
    if version == 4:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", b"", b"",
                                                                             index))
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    return sock, index, ipaddress.ip_address(address).is_multicast


def answer(address, port, interface, times):
    """Each datagram, for ever."""
    sock, index, group = opened(address, interface)
    sock.bind((address, port))
    if group and sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(address) +
                        struct.pack("@4si", b"", index))
    elif group:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                        socket.inet_pton(sock.family, address) + struct.pack("@I", index))
    print("ready", file=sys.stderr, flush=True)
    # Many answer from a port of their own.
    other = socket.socket(sock.family, socket.SOCK_DGRAM)
    while True:
        question, who = sock.recvfrom(65536)
        for _ in range(times):
            other.sendto(b"re: " + question, who)


def ask(address, port, interface, count, answers):
    """One question after the other; the last waits for all answers."""
    sock, _, _ = opened(address, interface)
    right = wrong = 0
    for i in range(count):
        sock.sendto(b"question %d" % i, (address, port))
        while select.select([sock], [], [], 0.05 if i + 1 < count else
                            PATIENCE_S if right + wrong < answers else MORE_S)[0]:
            _, who = sock.recvfrom(65536)
            right += who[1] == port
            wrong += who[1] != port
    print(right, wrong)


def main():
    """As the first argument says."""
    what, address, port, interface, *numbers = sys.argv[1:]
    (answer if what == "answer" else ask)(address, int(port), interface, *map(int, numbers))


main()
