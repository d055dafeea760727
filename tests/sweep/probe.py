"""probe.py - numacast-probe with one failing call, for the fault sweep.

What is asked: it ends with another exit status than 0 and a line that says what could not be had,
or what it tells is true. What it has sent is heard here, and compared with its figures; what it has
received was sent by another one, of which nothing fails, and its figures are those that it has
without a fault, times aside, or tell of what is lost.
"""
import json
import re
import socket
import struct
import subprocess

from client import EndingCase
from start import LIMIT_S

MAGIC = b"NCPB"
DATA = 0
ROOM_BYTES = 8 << 20
TIMED = ("seconds", "datagrams_per_s", "bits_per_s", "session", "source", "latency_ns")


class SendCase(EndingCase):
    """to: a group of IPv4 and a port; at: the interface behind which it is heard."""

    def __init__(self, name, build, argv, work, to, at="lo"):
        super().__init__(name, build, [f"{build}/src/numacast-probe", "send", *argv], work)
        self.receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)
        self.receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.receiver.bind(to)
        self.receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                 socket.inet_aton(to[0])
                                 + struct.pack("=4si", bytes(4), socket.if_nametoindex(at)))
        self.receiver.setblocking(False)

    def ask(self, command):
        self.hear()  # what others have sent
        return super().ask(command)

    def shows(self, program):
        program.heard = self.hear()
        return super().shows(program)

    def hear(self):
        """How many datagrams there are, and their bytes; markers are none."""
        count = size = 0
        while True:
            try:
                data = self.receiver.recv(1 << 16)
            except BlockingIOError:
                return count, size
            if data[:4] != MAGIC or data[5] == DATA:
                count, size = count + 1, size + len(data)

    def wrong(self, program):
        text = " ".join(program.lines)
        told = re.search(r'"sent": (\d+), +"bytes": (\d+)', text) or re.search(
            r"sent +(\d+) datagrams, (\d+) bytes", text)
        told = tuple(int(word) for word in told.groups()) if told else (0, 0)
        if told == program.heard or (program.status != 0 and not text):
            return ""
        return f"{told} are told, {program.heard} were heard"

    def counts(self, program):
        """A datagram that the kernel had no room for was sent again."""
        again = lambda shown: any(line.startswith("sent again") for line in shown)
        return program.status == 0 and again(program.shown) and not again(self.shown)

    def end(self):
        self.receiver.close()
        return ""


class RecvCase(EndingCase):
    """sends: argv of the one who sends, once there is somebody ready."""

    def __init__(self, name, build, argv, work, sends):
        super().__init__(name, build, [f"{build}/src/numacast-probe", "recv", *argv], work)
        self.sends = [f"{build}/src/numacast-probe", "send", "--quiet", *sends]

    def accompany(self, program):
        program.wait(lambda: "ready" in program.said or program.status is not None, LIMIT_S)
        if program.status is None:
            subprocess.run(self.sends, check=True, stdout=subprocess.DEVNULL)

    def shows(self, program):
        try:
            program.told = json.loads("\n".join(program.lines))
        except ValueError:
            program.told = None
            return [re.sub(r"flow \w+/", "flow ", line) for line in super().shows(program)]
        return sorted(figures(program.told))

    def counts(self, program):
        """All datagrams are in the figures: a latency that is missing is untimed, and what is no
        more than that is a fault, which the exit status tells."""
        told = program.told
        if not told or program.shown == self.shown:
            return False
        if program.status != 0:
            return not told["ok"]
        untimed = told["total"]["untimed"]
        return untimed > 0 and self.shown == [
            line.replace(f"untimed {untimed}", "untimed 0") for line in program.shown]


def figures(told, path=""):
    """All of it as lines, but for times."""
    if isinstance(told, dict):
        for name, value in told.items():
            if name not in TIMED:
                yield from figures(value, f"{path} {name}")
    elif isinstance(told, list):
        for value in told:
            yield from figures(value, path)
    else:
        yield f"{path} {told}"
