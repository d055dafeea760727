"""Others that hear a group: crowd.py COUNT GROUP PORT IFACE. Says `ready' when all have joined, and
stays until it is ended. Their filters refuse whatever comes, so all they do is that the kernel has
to go past their sockets, which is a way that a story may want to be long."""
import ctypes
import signal
import socket
import struct
import sys

count, group, port, iface = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
SO_ATTACH_FILTER = 26
refuse = struct.pack("HBBI", 0x06, 0, 0, 0)  # return 0: nothing of it
buffer = ctypes.create_string_buffer(refuse, len(refuse))
program = struct.pack("HxxxxxxP", 1, ctypes.addressof(buffer))
request = struct.pack("4s4si", socket.inet_aton(group), bytes(4), socket.if_nametoindex(iface))
crowd = []
for _ in range(count):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    sock.bind((group, port))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    crowd.append(sock)
print("ready", flush=True)
signal.pause()
