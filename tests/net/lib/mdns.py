"""mdns.py - Multicast DNS, as much of it as the stories need.

    mdns.py register ADDR NAME    answers for NAME._numacast._udp.local at ADDR, port 4242
    mdns.py find ADDR NAME        asks as all do; prints address and port (exit status 1: no answer)
    mdns.py ask-unicast ADDR NAME asks for an answer by unicast (QU); prints who sent one

The first two by python3-zeroconf. The third has a socket that hears no group, so only a unicast
answer reaches it.
"""
import signal
import socket
import struct
import sys
import time

TYPE = "_numacast._udp.local."
GROUP, PORT = "224.0.0.251", 5353


def zeroconf_at(address):
    """A zeroconf on the interface that has that address."""
    import zeroconf

    return zeroconf, zeroconf.Zeroconf(
        interfaces=[address], ip_version=zeroconf.IPVersion.V4Only
    )


def register(address, name):
    """Answers until it is told to end."""
    module, zone = zeroconf_at(address)
    zone.register_service(
        module.ServiceInfo(
            TYPE,
            f"{name}.{TYPE}",
            addresses=[socket.inet_aton(address)],
            port=4242,
            server=f"{name}.local.",
        )
    )
    print("ready", flush=True)
    signal.sigwait({signal.SIGTERM})
    zone.close()


def find(address, name):
    """Prints what is known of the name after a minute at most."""
    module, zone = zeroconf_at(address)
    info = zone.get_service_info(
        TYPE, f"{name}.{TYPE}", 60000, question_type=module.DNSQuestionType.QM
    )
    zone.close()
    if info is None:
        sys.exit(1)
    print(socket.inet_ntoa(info.addresses[0]), info.port)


def ask_unicast(address, name):
    """One question each half second, for a minute; the first answer is printed."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    sock.bind((address, PORT))
    sock.settimeout(0.5)
    labels = f"{name}.{TYPE}".rstrip(".").split(".")
    name_bytes = b"".join(bytes([len(word)]) + word.encode() for word in labels) + b"\0"
    question = name_bytes + struct.pack("!HH", 33, 0x8001)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        sock.sendto(struct.pack("!6H", 0, 0, 1, 0, 0, 0) + question, (GROUP, PORT))
        try:
            answer, sender = sock.recvfrom(9000)
        except socket.timeout:
            continue
        if answer[2] & 0x80 and name.encode() in answer:
            print("answer from port", sender[1])
            return
    sys.exit(1)


if __name__ == "__main__":
    if sys.argv[1] == "register":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    {"register": register, "find": find, "ask-unicast": ask_unicast}[sys.argv[1]](*sys.argv[2:4])
