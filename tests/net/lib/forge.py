#!/usr/bin/env python3
"""Forges ICMP errors about datagrams of somebody else, as any host behind an output can.

forge.py COUNT PAUSE_S DATAGRAM...      DATAGRAM: HOST,FROM,SPORT,TO,PORT

For each of COUNT rounds, and each datagram, one error of the next kind is sent to HOST, as if it
had sent that datagram: ports and hosts unreachable, "fragmentation needed" and "packet too big"
with a small MTU, "source route failed", "administratively prohibited", parameter problems.
"""
import socket
import struct
import sys
import time

SMALL_MTU = 1280
# Type, code, and what stands in the second half of the header.
KINDS_V4 = [(3, 3, 0), (3, 4, 600), (3, 5, 0), (3, 13, 0), (3, 1, 0), (12, 0, 0), (3, 2, 0)]
KINDS_V6 = [(1, 4, 0), (2, 0, SMALL_MTU), (1, 0, 0), (1, 1, 0), (4, 0, 0)]


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def quoted_v4(source, sport, to, port):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 1344, 1, 0, 16, socket.IPPROTO_UDP, 0,
                       socket.inet_aton(source), socket.inet_aton(to))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return head + struct.pack("!HHHH", sport, port, 1324, 0) + b"\0" * 20


def quoted_v6(source, sport, to, port):
    head = struct.pack("!IHBB16s16s", 6 << 28, 1324, socket.IPPROTO_UDP, 16,
                       socket.inet_pton(socket.AF_INET6, source),
                       socket.inet_pton(socket.AF_INET6, to))
    return head + struct.pack("!HHHH", sport, port, 1324, 0) + b"\0" * 20


class Forger:
    """Errors about one datagram, each of the next kind."""

    def __init__(self, text):
        self.host, source, sport, to, port = text.split(",")
        self.v6 = ":" in self.host
        quote = quoted_v6 if self.v6 else quoted_v4
        self.inner = quote(source, int(sport), to, int(port))
        self.kinds = KINDS_V6 if self.v6 else KINDS_V4
        self.next = 0
        if self.v6:
            self.sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        else:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)

    def send(self):
        kind, code, rest = self.kinds[self.next % len(self.kinds)]
        self.next += 1
        packet = struct.pack("!BBHI", kind, code, 0, rest) + self.inner
        if not self.v6:  # the kernel fills in that of IPv6
            packet = packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]
        self.sock.sendto(packet, (self.host, 0))


def main(count, pause_s, datagrams):
    forgers = [Forger(text) for text in datagrams]
    for _ in range(count):
        for forger in forgers:
            forger.send()
        time.sleep(pause_s)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
