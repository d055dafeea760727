"""client.py - a client of the control socket with one failing call, for the fault sweep.

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


class ClientCase(StartCase):
    """argv: of numacastctl; daemon: of numacastd."""

    def __init__(self, name, build, argv, work, daemon):
        super().__init__(name, build, (), None, work)
        control = f"{work}/control"
        self.argv = [f"{build}/src/numacastctl", *argv, "--control", control]
        self.daemon = subprocess.Popen(
            [f"{build}/src/numacastd", "--control", control, *daemon], stderr=subprocess.DEVNULL)
        end = time.monotonic() + LIMIT_S
        while not is_live(control) and time.monotonic() < end:
            time.sleep(0.01)
        self.shown = None

    def live(self, command):
        before = traces.of_namespace(self.work, self.traces)
        program = self.run(command)
        program.ended = program.await_end(LIMIT_S)
        program.shown = [" ".join(blank(line).split()) for line in program.answers
                         if line not in ("armed", "off")]
        return program, traces.left_behind(before, self.work, self.traces)

    def points(self, symbols, whole):
        program, left = self.live("record")
        if program.status != 0 or left or not program.shown:
            raise SystemExit(f"{self.name}: without any fault: status {program.status}, left {left}"
                             "\n" + "\n".join(program.said))
        self.shown = program.shown
        return self.points_of(program, symbols, whole)

    def try_point(self, point, judge):
        program, left = self.live(point.command())
        said = new_lines(program.said, self.usual)
        text = " / ".join(said)
        tried = judge.settle(point, program)
        if not program.ended or self.daemon.poll() is not None:
            return Outcome("hangs" if not program.ended else "ends the daemon", False, text)
        if left or program.left or program.status >= 128:
            return Outcome("leaves", False, f"{program.status} {left} {program.left} {text}")
        if program.status != 0:
            return Outcome("refused", judge.names(point, said), text)
        if not tried:
            return Outcome("not reached", True, text)
        return judge.goes_on(point, said, "quiet" if program.shown == self.shown else "other words")

    def end(self):
        self.daemon.terminate()
        return "" if self.daemon.wait(LIMIT_S) == 0 else "the daemon did not end well"
