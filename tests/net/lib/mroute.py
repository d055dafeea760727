#!/usr/bin/env python3
"""Makes a host forward multicast for as long as this runs: mroute.py IN OUT SOURCE,GROUP...

A static multicast route per pair, IPv4 or IPv6, from interface IN to OUT. Says `ready' when all are
set, and waits to be ended.
"""
import signal
import socket
import struct
import sys

INIT, ADD_IF, ADD_ROUTE = 200, 202, 204  # MRT_* and MRT6_* alike
BY_INDEX = 8  # VIFF_USE_IFINDEX


def forward_v4(indexes, pairs):
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    sock.setsockopt(socket.IPPROTO_IP, INIT, struct.pack("@i", 1))
    for number, index in enumerate(indexes):
        sock.setsockopt(socket.IPPROTO_IP, ADD_IF,
                        struct.pack("@HBBIi4s", number, BY_INDEX, 1, 0, index, b"\0" * 4))
    for source, group in pairs:
        ttls = bytes([0, 1]) + b"\0" * 30
        sock.setsockopt(socket.IPPROTO_IP, ADD_ROUTE,
                        struct.pack("@4s4sH32sIIIi", socket.inet_aton(source),
                                    socket.inet_aton(group), 0, ttls, 0, 0, 0, 0))
    return sock


def sockaddr_v6(ip):
    return struct.pack("@HHI16sI", socket.AF_INET6, 0, 0,
                       socket.inet_pton(socket.AF_INET6, ip), 0)


def forward_v6(indexes, pairs):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    sock.setsockopt(socket.IPPROTO_IPV6, INIT, struct.pack("@i", 1))
    for number, index in enumerate(indexes):
        sock.setsockopt(socket.IPPROTO_IPV6, ADD_IF,
                        struct.pack("@HBBHxxI", number, 0, 1, index, 0))
    for source, group in pairs:
        outs = struct.pack("@8I", 1 << 1, *[0] * 7)
        sock.setsockopt(socket.IPPROTO_IPV6, ADD_ROUTE,
                        sockaddr_v6(source) + sockaddr_v6(group) + struct.pack("@Hxx", 0) + outs)
    return sock


def main(into, out, pairs):
    indexes = [socket.if_nametoindex(into), socket.if_nametoindex(out)]
    pairs = [pair.split(",") for pair in pairs]
    kept = [forward_v4(indexes, [p for p in pairs if ":" not in p[0]]),
            forward_v6(indexes, [p for p in pairs if ":" in p[0]])]
    print("ready", flush=True)
    signal.pause()
    return kept


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
