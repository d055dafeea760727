"""live.py - a relay that runs, and an order to it during which a call fails.

What is asked: either the order is refused, the answer says why, and everything is as it was, or it
is done. Descriptors, mappings, threads, memberships, allocations and the states of rules, flows and
outputs are compared before and after. Then the order is taken back, and it relays all the while.
"""
import os
import signal

import traces
from control import Client, state_of
from errors import errors_of
from fault import Call, Program
from point import Outcome, Point, blank, new_lines

LIMIT_S = 60
PAUSE_S = 0.02
WARM_UPS = 33  # after which the history of changes is full, and memory for more is there


class LiveCase:
    """name: of the case; argv: of the daemon; wire: how a datagram passes. do(case) and undo(case)
    give an order and return the answer, as the control socket has it, or None. traces(): what it
    may leave behind beside what traces.py knows; first(): comes before each start."""

    def __init__(self, name, build, argv, wire, work, do, undo, traces=None, first=None):
        self.name, self.build, self.wire, self.work = name, build, wire, work
        self.control = f"{work}/control"
        self.argv = [f"{build}/src/numacastd", "--control", self.control, *argv]
        self.do, self.undo = do, undo
        self.traces, self.first = traces or (lambda: []), first or (lambda: None)
        self.program = self.client = self.usual = None

    def start(self):
        self.first()
        self.before = traces.of_namespace(self.work, self.traces)
        self.program = Program(self.build, "off", self.argv)
        if not self.program.wait(lambda: self.program.ready, LIMIT_S):
            raise SystemExit(f"{self.name}: does not start\n" + "\n".join(self.program.said))
        self.client = Client(self.control)
        for _ in range(WARM_UPS):
            self.do(self)
            self.undo(self)
        self.program.wait(lambda: False, PAUSE_S)
        self.usual = {blank(line) for line in self.program.said}
        self.held = []

    def end(self):
        """Exit status 0 and nothing left, or what was wrong."""
        program, self.program = self.program, None
        if program is None:
            return ""
        self.client.close()
        program.signal(signal.SIGTERM)
        ended = program.await_end(LIMIT_S)
        left = program.left + traces.left_behind(self.before, self.work, self.traces)
        if not ended or program.status != 0 or left:
            return f"at its end: status {program.status}, left {left}"
        return ""

    def points(self, symbols, whole):
        self.start()
        symbols.learn_maps(self.program.maps)
        self.program.order("record", "armed")
        answer = self.do(self)
        self.program.order("off", "off")
        self.undo(self)
        if not (answer and answer["ok"]):
            raise SystemExit(f"{self.name}: refused without any fault: {answer}")
        calls = self.program.calls
        calls += [Call("alloc", nth, frames, "-") for nth, frames in self.program.sites.items()]
        symbols.learn(calls)
        return [Point(call, error, symbols.chain(call.frames))
                for call in calls for error in errors_of(call.name, whole)]

    def try_point(self, point, judge):
        if self.program is None:
            self.start()
        program = self.program
        program.calls, program.sites, program.failed = [], {}, None
        state = self.state()
        self.held.append(traces.settled(program.pid))
        program.order("off", "off")
        allocated, lines = program.allocated, len(program.said)
        program.order(point.command(), "armed")
        answer = self.do(self)
        program.order("off", "off")
        outcome = self.judge(point, judge, answer, (state, allocated), lines)
        if outcome.verdict.startswith(("ends", "hangs")) or not outcome.good:
            wrong = self.end() if program.status is None else ""
            self.program = None
            outcome.said += wrong
        return outcome

    def judge(self, point, judge, answer, was, lines):
        program = self.program
        program.wait(lambda: program.status is not None, 0 if answer else 1)
        said = new_lines(program.said[lines:], self.usual)
        text = " / ".join(said)
        tried = judge.settle(point, program)
        if program.status is not None:
            return Outcome(f"ends with {program.status}", False, text)
        if answer is None:
            self.client = Client(self.control)
        error = [] if answer is None or answer["ok"] else [answer["error"]["text"]]
        if error and "partly applied" not in error[0]:
            wrong = self.compare(was)
            if wrong or not tried:
                return Outcome("changes" if wrong else "not reached", not wrong, wrong + text)
            return Outcome("refused", judge.names(point, [": " + error[0], *said]), error[0])
        self.undo(self)
        wrong = self.compare(was)
        program.wait(lambda: program.status is not None, 0)
        if program.status is not None:
            return Outcome(f"ends with {program.status}", False, text)
        if wrong:
            return Outcome("does not go back", False, f"{wrong} {error} {text}")
        if not tried:
            return Outcome("not reached", True)
        if error:
            return Outcome("partly", judge.names(point, [": " + error[0]]), error[0])
        outcome = judge.goes_on(point, said, "quiet" if answer else "no answer")
        if not outcome.good:  # the log has a thread of its own
            program.wait(lambda: judge.names(point, program.said[lines:]), 1)
            said = new_lines(program.said[lines:], self.usual)
            outcome = judge.goes_on(point, said, outcome.verdict)
        return outcome

    def answer_of_log(self, act, begin):
        """What act() brings as a line of the log that begins so, as an answer."""
        program = self.program
        lines = len(program.said)
        act()
        new = lambda: [line for line in program.said[lines:] if line.startswith(begin)]
        if not program.wait(lambda: new() or program.status is not None, LIMIT_S) or not new():
            return None
        text = new()[0][len(begin):]
        if text.startswith("done"):
            return {"ok": True}
        return {"ok": False, "error": {"text": text}}

    def compare(self, was):
        """What is not as it was; "" for nothing. What it held may be as before any of the points,
        which all begin alike: a thread that stops just where it has a socket for a moment makes
        one look see more."""
        state, allocated = was
        program = self.program
        if not self.wire.passes():
            return "does not relay"
        if self.state() != state:
            return f"state: {self.state()} was {state}"
        for _ in range(250):  # the kernel and threads of ours may need a moment
            now = traces.of_process(program.pid)
            wrong = traces.difference(self.held[-1], now) if now not in self.held else ""
            program.order("off", "off")
            if program.allocated > allocated:
                wrong += f" {program.allocated - allocated} allocations are not freed"
            if not wrong:
                break
            program.wait(lambda: False, PAUSE_S)
        return wrong

    def state(self):
        return state_of(self.client)
