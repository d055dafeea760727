"""client.py - a program that ends by itself with one failing call, for the fault sweep: a client of
the control socket.

What is asked: it prints what it prints without a fault, numbers aside, or ends with an exit status
other than 0 and a line that says what could not be had. It ends by itself, and leaves nothing. The
daemon that it asks is never made to fail, and goes on.
"""
import os
import subprocess
import time

import traces
from control import Client
from fault import Program
from point import Outcome, blank, new_lines
from start import LIMIT_S, StartCase


def is_live(control):
    if not os.path.exists(control):
        return False
    client = Client(control)
    answer = client.ask("show", what="flows")
    client.close()
    states = {row["state"] for row in answer["result"]["flows"]} if answer and answer["ok"] else ()
    return states == {"live"}


class EndingCase(StartCase):
    """A program that ends by itself. argv: of it."""

    def __init__(self, name, build, argv, work):
        super().__init__(name, build, (), None, work)
        self.argv = argv
        self.shown = None

    def live(self, command):
        before = traces.of_namespace(self.work, self.traces)
        program = self.ask(command)
        return program, traces.left_behind(before, self.work, self.traces)

    def ask(self, command):
        program = self.run(command)
        self.accompany(program)
        program.ended = program.await_end(LIMIT_S)
        program.lines = [line for line in program.answers if line not in ("armed", "off")]
        program.shown = self.shows(program)
        return program

    def points(self, symbols, whole):
        program, left = self.live("record")
        if program.status != 0 or left or not program.shown or self.wrong(program):
            raise SystemExit(f"{self.name}: without any fault: status {program.status}, left {left}"
                             f" {self.wrong(program)}\n" + "\n".join(program.said))
        self.shown = program.shown
        return self.points_of(program, symbols, whole)

    def try_point(self, point, judge):
        program, left = self.live(point.command())
        said = new_lines(program.said, self.usual)
        text = " / ".join(said)
        tried = judge.settle(point, program)
        if not program.ended or not self.is_well():
            return Outcome("hangs" if not program.ended else "ends the daemon", False, text)
        if left or program.left or program.status >= 128:
            return Outcome("leaves", False, f"{program.status} {left} {program.left} {text}")
        if self.wrong(program):
            return Outcome("tells what is not so", False, f"{self.wrong(program)} {text}")
        if not tried:
            return Outcome("not reached", True, text)
        if self.counts(program):
            return Outcome("counted", True, text)
        if program.status != 0:
            return Outcome("refused", judge.names(point, said), text)
        if program.shown != self.shown:
            shown = sorted(set(program.shown) ^ set(self.shown))
            return Outcome("other words", False, f"{text} {shown}")
        return judge.goes_on(point, said, "quiet")

    def accompany(self, program):
        """What happens while it runs."""

    def shows(self, program):
        """What of its lines is the same each time."""
        return [" ".join(blank(line).split()) for line in program.lines]

    def is_well(self):
        """What it asks."""
        return True

    def wrong(self, program):
        """What it tells that is not so; "" for nothing."""
        return ""

    def counts(self, program):
        """Whether it tells in its figures what it has lost."""
        return False


class ClientCase(EndingCase):
    """argv: of numacastctl; daemon: of numacastd."""

    def __init__(self, name, build, argv, work, daemon):
        self.control, self.options = f"{work}/{name}", daemon  # others may run beside it
        super().__init__(name, build, [f"{build}/src/numacastctl", *argv, "--control",
                                       self.control], work)
        self.start_daemon()

    def start_daemon(self):
        self.daemon = subprocess.Popen(
            [f"{self.build}/src/numacastd", "--control", self.control, *self.options],
            stderr=subprocess.DEVNULL)
        end = time.monotonic() + LIMIT_S
        while not is_live(self.control) and time.monotonic() < end:
            time.sleep(0.01)

    def is_well(self):
        return self.daemon.poll() is None

    def end(self):
        self.daemon.terminate()
        return "" if self.daemon.wait(LIMIT_S) == 0 else "the daemon did not end well"
