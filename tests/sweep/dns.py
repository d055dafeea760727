"""dns.py - a name server for the fault sweep, which this process and its children ask."""
import ctypes
import socket
import struct
import tempfile
import threading

from net import tell

CLONE_NEWNS = 0x20000
AT = "127.0.0.53", 53
ADDRESS = "127.0.0.1"
A = 1
TTL_S = 600

running = []


def serve():
    """Once: each question has the same answer, and none of IPv6."""
    if running:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    tell("mount --make-rprivate /")
    with tempfile.NamedTemporaryFile("w") as conf:
        conf.write(f"nameserver {AT[0]}\n")
        conf.flush()
        tell(f"mount --bind {conf.name} /etc/resolv.conf")
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(AT)
    running.append(server)
    threading.Thread(target=run, args=(server,), daemon=True).start()


def run(server):
    while True:
        question, asker = server.recvfrom(4096)
        server.sendto(answer(question), asker)


def answer(question):
    end = question.index(b"\0", 12) + 5
    kind, = struct.unpack_from(">H", question, end - 4)
    address = socket.inet_aton(ADDRESS) if kind == A else b""
    head = question[:2] + struct.pack(">HHHHH", 0x8580, 1, 1 if address else 0, 0, 0)
    row = struct.pack(">HHHIH", 0xc00c, kind, 1, TTL_S, len(address)) + address
    return head + question[12:end] + (row if address else b"")
