"""ssdp.py - UPnP's discovery, as much of it as the stories need.

    ssdp.py respond GROUP INTERFACE        answers each search of the group by unicast
    ssdp.py search GROUP INTERFACE COUNT   searches from COUNT sockets, one after the other; prints
                                           how many of them heard an answer
"""
import socket
import struct
import sys

PORT = 1900
ANSWER = (
    "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:numacast\r\n"
    "LOCATION: http://192.0.2.1/device.xml\r\n\r\n"
)


def open_socket(group, interface):
    """A socket that sends to the group by the interface; its family; the interface's index."""
    family = socket.AF_INET6 if ":" in group else socket.AF_INET
    index = socket.if_nametoindex(interface)
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 2)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@iii", 0, 0, index))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
    return sock, family, index


def respond(group, interface):
    """Until it is ended."""
    sock, family, index = open_socket(group, interface)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", PORT))
    packed = socket.inet_pton(family, group)
    if family == socket.AF_INET6:
        join = packed + struct.pack("@I", index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, join)
    else:
        join = packed + struct.pack("@ii", 0, index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, join)
    print("ready", flush=True)
    while True:
        search, sender = sock.recvfrom(2000)
        if search.startswith(b"M-SEARCH "):
            sock.sendto(ANSWER.encode(), sender)


def search(group, interface, count):
    """Each socket asks up to thirty times."""
    heard = 0
    where = f"[{group}]" if ":" in group else group
    text = (
        f"M-SEARCH * HTTP/1.1\r\nHOST: {where}:{PORT}\r\nMAN: \"ssdp:discover\"\r\n"
        "MX: 1\r\nST: upnp:rootdevice\r\n\r\n"
    )
    for _ in range(int(count)):
        sock, _family, index = open_socket(group, interface)
        sock.settimeout(2)
        to = (group, PORT, 0, index) if ":" in group else (group, PORT)
        for _try in range(30):
            sock.sendto(text.encode(), to)
            try:
                answer = sock.recv(2000)
            except socket.timeout:
                continue
            heard += b"LOCATION:" in answer
            break
        sock.close()
    print(heard)


if __name__ == "__main__":
    {"respond": respond, "search": search}[sys.argv[1]](*sys.argv[2:])
