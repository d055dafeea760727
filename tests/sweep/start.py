"""start.py - a whole life of a relay with one failing call: start, one datagram, end.

What is asked: either it says what it could not have and ends with exit status 1, or it relays, and
ends with 0 when told to. Whatever happens, it ends by itself, and leaves nothing in its network
namespace nor in the file system.
"""
import signal

import traces
from errors import errors_of
from fault import Call, Program
from point import Outcome, Point, blank, new_lines

LIMIT_S = 60


class StartCase:
    """name: of the case; argv: of the daemon; wire: how a datagram passes (wire.py); finish(p) has
    program p end; traces(): what it may leave behind beside what traces.py knows, as a list;
    comes_to(p): what is to become of p in the end beside relaying."""

    def __init__(self, name, build, argv, wire, work, finish=None, traces=None, comes_to=None):
        self.name, self.build, self.wire, self.work = name, build, wire, work
        self.argv = [f"{build}/src/numacastd", *argv]
        self.finish = finish or (lambda program: program.signal(signal.SIGTERM))
        self.traces = traces or (lambda: [])
        self.comes_to = comes_to or (lambda program: True)
        self.usual = set()
        self.comes = True

    def run(self, command):
        return Program(self.build, command, self.argv)

    def live(self, command):
        """One life; the program, whether it was up, relayed, ended, and what it left behind."""
        before = traces.of_namespace(self.work, self.traces)
        program = self.run(command)
        up = lambda: program.ready or any(line.endswith(": ready") for line in program.said)
        program.wait(lambda: up() or program.status is not None, LIMIT_S)
        relays = up() and self.wire.passes()
        self.comes = not up() or self.comes_to(program)
        if program.status is None:
            self.finish(program)
        ended = program.await_end(LIMIT_S)
        left = traces.left_behind(before, self.work, self.traces)
        return program, up(), relays, ended, left

    def points(self, symbols, whole):
        """Records one life without a fault, and returns what can fail in it."""
        program, up, relays, ended, left = self.live("record")
        if not (up and relays and self.comes and ended and program.status == 0) or left:
            raise SystemExit(f"{self.name}: without any fault: up {up}, relays {relays}, status "
                             f"{program.status}, left {left}\n" + "\n".join(program.said))
        return self.points_of(program, symbols, whole)

    def points_of(self, program, symbols, whole):
        """Of a life that was recorded."""
        self.usual = {blank(line) for line in program.said}
        symbols.learn_maps(program.maps)
        calls = program.calls
        calls += [Call("alloc", nth, frames, "-") for nth, frames in program.sites.items()]
        symbols.learn(calls)
        return [Point(call, error, symbols.chain(call.frames))
                for call in calls for error in errors_of(call.name, whole)]

    def end(self):
        return ""

    def try_point(self, point, judge):
        program, up, relays, ended, left = self.live(point.command())
        said = new_lines(program.said, self.usual)
        text = " / ".join(said)
        tried = judge.settle(point, program)
        if not ended:
            refused = program.failed is not None and not tried  # what the kernel cannot refuse
            return Outcome("not reached" if refused else "hangs", refused, text)
        if left or program.left:
            crashed = "crashes and " if program.status >= 128 else ""
            return Outcome(f"{crashed}leaves", False, f"{left} {program.left} {text}")
        if not tried:
            return Outcome("not reached", program.status == 0, text)
        if program.status >= 128:
            known = judge.row("library", point)
            return Outcome("library" if known else "crashes", known is not None, text)
        if program.status == 1:
            return Outcome("ended" if up else "refused", judge.names(point, said), text)
        if program.status != 0 or not up:
            return Outcome(f"exit status {program.status}", False, text)
        if not self.comes:
            return Outcome("does not come to it", False, text)
        return judge.goes_on(point, said, "quiet" if relays else "loses a datagram")
