# rtp.py GROUP PORT ADDRESS - receives RTP until SIGTERM or SIGINT, then prints as JSON how many
# datagrams came, how many senders (SSRC) there were, and what of their numbers came twice or not.
import json
import signal
import socket
import struct
import sys


def numbers_between(first, last):
    return (last - first) % 65536 + 1


def main():
    group, port, address = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sock.bind((group, port))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                    socket.inet_aton(group) + socket.inet_aton(address))
    ended = []
    for signo in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signo, lambda *_: ended.append(True))
    sock.settimeout(0.1)
    senders, received, doubled = {}, 0, 0
    while not ended:
        try:
            data = sock.recv(65536)
        except socket.timeout:
            continue
        number, ssrc = struct.unpack("!2xH4xI", data[:12])
        seen = senders.setdefault(ssrc, [])
        doubled += number in seen[-20000:]
        seen.append(number)
        received += 1
    missing = sum(numbers_between(seen[0], seen[-1]) - len(set(seen)) for seen in senders.values())
    print(json.dumps({"received": received, "senders": len(senders), "doubled": doubled,
                      "missing": missing}))


main()
