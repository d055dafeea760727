"""wire.py - a datagram through a relay, for the fault sweep."""
import socket
import struct

PATIENCE_S = 2


class Wire:
    """Sends to one address by one interface, and hears what the relay makes of it at another."""

    def __init__(self, to, heard, by="lo", at="lo", source=""):
        self.to, self.heard, self.at = to, heard, socket.if_nametoindex(at)
        self.receiver = self.make(heard[0])
        self.receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.receiver.bind(heard)
        self.join(heard[0])
        self.receiver.settimeout(PATIENCE_S)
        self.sender = self.make(to[0])
        self.sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 4)
        self.sender.bind((source, 0))  # now, so that it is no trace of the relay
        out = socket.if_nametoindex(by)
        if ":" in to[0]:
            self.sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, out)
        else:
            self.sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                                   struct.pack("=4s4si", bytes(4), bytes(4), out))
        self.count = 0

    @staticmethod
    def make(address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.socket(family, socket.SOCK_DGRAM)

    def join(self, group):
        if ":" in group:
            packed = socket.inet_pton(socket.AF_INET6, group)
            if packed[0] == 0xff:
                self.receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                                         packed + struct.pack("=i", self.at))
        elif 224 <= int(group.split(".")[0]) <= 239:
            self.receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                     socket.inet_aton(group)
                                     + struct.pack("=4si", bytes(4), self.at))

    def passes(self):
        """Sends one datagram; whether it comes."""
        self.count += 1
        text = f"datagram {self.count}".encode()
        self.sender.sendto(text, self.to)
        try:
            while self.receiver.recv(64) != text:
                pass
        except TimeoutError:
            return False
        return True


class Wires:
    """Several, of which each must let its datagram pass."""

    def __init__(self, *wires):
        self.wires = wires

    def passes(self):
        return all([wire.passes() for wire in self.wires])
