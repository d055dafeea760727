"""monotone.py GROUP PORT INTERFACE COUNT RATE: sends one payload again and again."""
import socket
import sys
import time

group, port, interface, count, rate = sys.argv[1:4] + [int(word) for word in sys.argv[4:6]]
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
index = socket.if_nametoindex(interface)
request = bytes(8) + index.to_bytes(4, sys.byteorder)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
began = time.monotonic()
for number in range(count):
    ahead = began + number / rate - time.monotonic()
    if ahead > 0.002:
        time.sleep(ahead)
    sock.sendto(b"always the same" * 4, (group, int(port)))
