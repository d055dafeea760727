#!/usr/bin/env python3
"""query.py INTERFACE: asks once, as a querier would, who has joined what: IGMPv3 and MLDv2.

From then on a bridge with snooping forwards to members only, for some four minutes.
"""
import socket
import struct
import sys


def checksum(message):
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(message) // 2}H", message))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def query_v4(index):
    """A general query of IGMPv3 (RFC 3376, 4.1), answers wanted within 0.2 s."""
    query = struct.pack("!BBH4sBBH", 0x11, 2, 0, bytes(4), 2, 125, 0)
    query = query[:2] + struct.pack("!H", checksum(query)) + query[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([0x94, 4, 0, 0]))
        request = struct.pack("=4s4si", bytes(4), bytes(4), index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
        sock.sendto(query, ("224.0.0.1", 0))


def query_v6(index):
    """A general query of MLDv2 (RFC 3810, 5.1), answers wanted within 0.2 s."""
    query = struct.pack("!BBHHH16sBBH", 130, 0, 0, 200, 0, bytes(16), 2, 125, 0)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
        router_alert = bytes([0, 0, 5, 2, 0, 0, 1, 0])
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, router_alert)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
        sock.sendto(query, ("ff02::1", 0, 0, index))


def main():
    index = socket.if_nametoindex(sys.argv[1])
    query_v4(index)
    query_v6(index)


if __name__ == "__main__":
    main()
