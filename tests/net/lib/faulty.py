#!/usr/bin/env python3
"""A relay that makes known mistakes, to prove that numacast-probe counts each of them.

faulty.py LISTEN_ADDR LISTEN_PORT SEND_ADDR SEND_PORT COUNT

Relays COUNT datagrams, then ends. Of datagram n, counted from 1:

    n % 50 == 0   is dropped
    n % 20 == 1   is sent twice
    n % 100 == 7  waits for three others to pass
    n % 200 == 13 has a byte of its body changed
    n % 250 == 18 loses its last byte
    n % 300 == 29 has a byte of its header changed, so that it belongs to no flow
"""
import socket
import sys


def spoil(data, n):
    data = bytearray(data)
    if n % 200 == 13:
        data[len(data) // 2] ^= 0x40
    if n % 250 == 18:
        data.pop()
    if n % 300 == 29:
        data[20] ^= 1
    return bytes(data)


def main(listen, listen_port, to, to_port, count):
    inward = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inward.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    inward.bind((listen, int(listen_port)))
    outward = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    outward.connect((to, int(to_port)))
    print("ready", flush=True)
    waiting, others = None, 0
    for n in range(1, int(count) + 1):
        data = inward.recv(65536)
        if n % 50 == 0:
            continue
        data = spoil(data, n)
        if n % 100 == 7:
            waiting, others = data, 3
            continue
        outward.send(data)
        if n % 20 == 1:
            outward.send(data)
        if waiting is not None:
            others -= 1
            if others == 0:
                outward.send(waiting)
                waiting = None


main(*sys.argv[1:])
