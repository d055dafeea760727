"""ordered.py - numacastctl with one failing call, as it tells a relay to change something.

What is asked beside what client.py asks: the relay is as it was, or as it was told to be, or, of
several orders, as some of them, from the first on, have made it; never between. Exit status 0 means
that all is done. Where all is done in spite of another status, it was the answer that was lost, and
the line says so. What fails in a file of orders is told with its line.
"""
import re
import time

from client import ClientCase
from control import Client, state_of
from point import Outcome

PATIENCE_S = 10
LOST = re.compile("no answer from the daemon|cannot (print the answer|wait for the daemon's end)")


class OrderCase(ClientCase):
    """reset(case) brings what was before, from wherever it has come to; steps: requests of the
    control socket, name and members, that do the same as the orders one by one."""

    def __init__(self, name, build, argv, work, daemon, reset, steps):
        super().__init__(name, build, argv, work, daemon)
        self.client = Client(self.control)
        self.reset, self.steps = reset, steps
        self.states = []

    def state(self):
        level = self.client.ask("log-level")
        return [level["result"]["level"] if level else "", *state_of(self.client)]

    def reached(self, states):
        """Which of these states it is in, once it is; None: in none."""
        end = time.monotonic() + PATIENCE_S
        while True:
            state = self.state()
            if state in states:
                return states.index(state)
            if time.monotonic() > end:
                return None
            time.sleep(0.01)

    def begin(self):
        """As it was before any order; an order may still have been on its way."""
        end = time.monotonic() + PATIENCE_S
        while True:
            self.reset(self)
            if not self.states or self.state() == self.states[0]:
                return
            if time.monotonic() > end:
                raise SystemExit(f"{self.name}: does not go back: {self.state()}")
            time.sleep(0.01)

    def live(self, command):
        """What the daemon makes of it is looked at elsewhere; its client makes no file."""
        return self.ask(command), []

    def points(self, symbols, whole):
        self.begin()
        self.learn()
        found = super().points(symbols, whole)
        if self.reached(self.states) != len(self.steps) or self.states[0] == self.states[-1]:
            raise SystemExit(f"{self.name}: without any fault: {self.state()}, no {self.states}")
        self.begin()
        return found

    def learn(self):
        """What each step makes of it."""
        self.states = [self.state()]
        for step, members in self.steps:
            answer = self.client.ask(step, **members)
            if not (answer and answer["ok"]):
                raise SystemExit(f"{self.name}: {step} is refused: {answer}")
            self.states.append(self.state())
        self.begin()

    def try_point(self, point, judge):
        outcome = super().try_point(point, judge)
        done = self.reached(self.states)
        outcome = self.judge(outcome, done)
        if done is None:
            outcome.said += f" {self.state()}"
        self.begin()
        return outcome

    def judge(self, outcome, done):
        """done: how many of the orders; None: something between."""
        text, every = outcome.said, len(self.steps)
        if done is None:
            return Outcome("between", False, text)
        if outcome.verdict != "refused":
            if done != every and outcome.good:
                return Outcome(f"only {done} of {every} done", False, text)
            return outcome
        lost = LOST.search(text) is not None
        line = re.search(r"orders:(\d+): ", text)
        if line and int(line[1]) not in ((done, done + 1) if lost else (done + 1,)):
            return Outcome("names another line", False, f"{done} done: {text}")
        if done == every and not (lost or line):  # what is behind all lines may not be read
            return Outcome("done, and does not say so", False, text)
        word = "refused" if done == 0 else "no answer" if done == every else "partly"
        return Outcome(word, outcome.good, text)

    def end(self):
        self.client.close()
        return super().end()


class DrainCase(OrderCase):
    """Told to end, and waited for; then another one is started."""

    def __init__(self, name, build, work, daemon):
        super().__init__(name, build, ["drain", "--wait"], work, daemon, None, [("drain", {})])

    def state(self):
        if not self.is_alive():
            return "ended"
        answer = self.client.ask("health")
        return answer["result"]["state"] if answer and answer["ok"] else "ending"

    def learn(self):
        self.states = ["relaying", "ended"]

    def begin(self):
        if self.is_alive():
            return
        self.client.close()
        self.start_daemon()
        self.client = Client(self.control)

    def is_alive(self):
        return self.daemon.poll() is None

    def is_well(self):
        return self.daemon.poll() in (None, 0)
