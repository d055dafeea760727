"""start.py - a whole life of a relay with one failing call: start, one datagram, end.

What is asked: either it says what it could not have and ends with exit status 1, or it relays, and
ends with 0 when told to. Whatever happens, it ends by itself, and leaves nothing in its network
namespace nor in the file system.
"""
import glob
import os
import signal
import time

from fault import Program
from point import Outcome, Point, blank, names_cause, new_lines
from errors import errors_of

LIMIT_S = 60


class StartCase:
    """name: of the case; argv: of the daemon; wire: how a datagram passes (wire.py)."""

    def __init__(self, name, build, argv, wire, work, env=None):
        self.name, self.build, self.wire, self.work = name, build, wire, work
        self.argv = [f"{build}/src/numacastd", *argv]
        self.env = env
        self.usual = set()

    def live(self, command):
        """One life; the program, whether it relayed, and what it left behind."""
        before = traces(self.work)
        program = Program(self.build, command, self.argv, self.env)
        up = lambda: program.ready or any(line.endswith(": ready") for line in program.said)
        program.wait(lambda: up() or program.status is not None, LIMIT_S)
        relays = up() and self.wire.passes()
        program.signal(signal.SIGTERM)
        ended = program.await_end(LIMIT_S)
        return program, up(), relays, ended, left_behind(before, self.work)

    def points(self, symbols, whole):
        """Records one life without a fault, and returns what can fail in it."""
        program, up, relays, ended, left = self.live("record")
        if not (up and relays and ended and program.status == 0) or left:
            raise SystemExit(f"{self.name}: without any fault: up {up}, relays {relays}, status "
                             f"{program.status}, left {left}\n" + "\n".join(program.said))
        self.usual = {blank(line) for line in program.said}
        symbols.learn_maps(program.maps)
        symbols.learn([call.frames for call in program.calls] + list(program.sites.values()))
        found = []
        for call in program.calls:
            by = symbols.chain(call.frames)
            found += [Point(call, error, by) for error in errors_of(call.name, whole)]
        for nth, frames in program.sites.items():
            found.append(allocation(nth, symbols.chain(frames)))
        return found

    def try_point(self, point, rows, symbols):
        program, up, relays, ended, left = self.live(point.command())
        said = new_lines(program.said, self.usual)
        if program.failed is None:
            return Outcome("not reached", True)
        what, by = program.failed.what, point.by
        frames = program.failed.frames or program.sites.get(point.call.nth, ())
        if frames:
            symbols.learn([frames])
            by = symbols.chain(frames)
        point.call, point.by = program.failed, by
        if rows.find("spare", self.name, point.call.name, what, by):
            return Outcome("not reached", True)  # this time another call was the Nth
        text = " / ".join(said)
        if not ended:
            return Outcome("hangs", False, text)
        if left or program.left:
            return Outcome(f"leaves {left} {program.left}", False, text)
        if program.status >= 128 and rows.find("library", self.name, point.call.name, what, by):
            return Outcome("library", True, text)
        if program.status >= 128:
            return Outcome(f"killed by signal {program.status - 128}", False, text)
        named = (names_cause(said, point.error)
                 or rows.says(text, self.name, program.failed.name, what, by))
        if program.status == 1:
            return Outcome("ended" if up else "refused", named, text)
        if program.status != 0 or not up:
            return Outcome(f"exit status {program.status}", False, text)
        if named:
            return Outcome("said", True, text)
        quiet = rows.find("quiet", self.name, program.failed.name, what, by)
        return Outcome("quiet" if relays else "loses a datagram", quiet is not None, text)


def allocation(nth, by):
    from fault import Call
    return Point(Call("alloc", nth, [], "-"), 12, by)


def traces(work):
    """What a relay could leave behind: sockets, memberships, files, and programs in the kernel."""
    found = set()
    for name in ("udp", "udp6", "raw", "raw6", "igmp", "igmp6", "mcfilter", "mcfilter6", "unix",
                 "packet", "netlink"):
        with open(f"/proc/self/net/{name}", encoding="ascii") as file:
            found |= {(name, trace(name, line)) for line in file.readlines()}
    return found | {("file", path) for path in glob.glob(f"{work}/*")}


def trace(name, line):
    """The words of a line that stay the same while nothing happens."""
    words = line.split()
    if name in ("udp", "udp6", "raw", "raw6"):
        return tuple(words[1:3])
    if name == "unix":
        return tuple(words[3:])
    if name == "netlink":
        return tuple(words[1:3])
    if name == "packet":
        return tuple(words[2:])
    if name == "igmp":
        return tuple(words[:3]) if words and not words[0].isdigit() else tuple(words)
    return tuple(words)


def left_behind(before, work):
    """The kernel lets go of a ring and its sockets a moment after its process."""
    end = time.monotonic() + 10
    while True:
        left = traces(work) - before
        if not left or time.monotonic() > end:
            return sorted(left)
        time.sleep(0.01)
