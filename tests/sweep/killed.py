"""killed.py - a relay that is killed amid a datagram, and the calls of who finishes its work.

What is asked: the other process ends by itself, leaves nothing, and the note that it writes is true
of the datagram, which arrives or is lost. Where the note cannot be written there is none, which the
next process takes for a kill that nobody has finished. This program is the service manager, as in
kept.py, and the next process, as far as the note goes.
"""
import os
import re

import traces
from fault import Program
from point import Outcome
from start import LIMIT_S, StartCase

NOTE = "numacast-end"  # of src/run/finish_note.h
KILLED = 128 + 9
TRIES = 5  # for a shard that is called by control just then


class KilledCase(StartCase):
    """call: with the next one of that name it is killed, when a datagram has come."""

    def __init__(self, name, build, argv, wire, work, call):
        super().__init__(name, build, argv, wire, work)
        self.call = call

    def live(self, command):
        """One life; the program, what the note says was sent and lost, or None, whether the
        datagram has come, and what is left behind."""
        before = traces.of_namespace(self.work, self.traces)
        program = Program(self.build, "off", self.argv, {"FDSTORE": "64"})
        if not program.wait(lambda: program.ready and len(program.kept) >= 2, LIMIT_S):
            raise SystemExit(f"{self.name}: nothing is kept\n" + "\n".join(program.said))
        if not self.wire.passes():
            raise SystemExit(f"{self.name}: does not relay\n" + "\n".join(program.said))
        note = os.dup(program.kept[NOTE][0])
        program.order(f"kill {self.call} {command}", "armed")
        came = self.wire.passes()
        program.ended = program.await_end(LIMIT_S)
        try:
            text = os.read(note, 4096).decode()
        except BlockingIOError:
            text = ""
        os.close(note)
        sums = re.match(r"finished: (\d+) sent, (\d+) lost\n", text)
        told = tuple(int(word) for word in sums.groups()) if sums else None
        return program, told, came, traces.left_behind(before, self.work, self.traces)

    def points(self, symbols, whole):
        for _ in range(TRIES):
            program, told, came, left = self.live("record")
            if told != (0, 0) or came:
                break
        if not (came and told == (1, 0) and program.status == KILLED) or left:
            raise SystemExit(f"{self.name}: without any fault: told {told}, came {came}, status "
                             f"{program.status}, left {left}\n" + "\n".join(program.said))
        return self.points_of(program, symbols, whole)

    def try_point(self, point, judge):
        program, told, came, left = self.live(point.command())
        tried = judge.settle(point, program)
        text = f"told {told}, the datagram came: {came}"
        if not program.ended:
            return Outcome("hangs", False, text)
        if left or program.left or program.status != KILLED:
            return Outcome("leaves", False, f"{program.status} {left} {program.left} {text}")
        if not tried:
            return Outcome("not reached", True, text)
        if told is None:
            return Outcome("no note", judge.row("quiet", point) is not None, text)
        if told != (int(came), int(not came)):
            return Outcome("tells what is not so", False, text)
        return Outcome("said", True, text)
