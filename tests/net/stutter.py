#!/usr/bin/env python3
"""Makes the programs of network stories stand still again and again, as they do on a machine that
others keep busy: what a story takes to be over, and is not yet, shows then.

stutter.py BUILD [SEED]      until SIGTERM or SIGINT

Stops each numacastd and numacast-probe of the build tree BUILD, each by itself: it runs for 10 to
60 ms and stands still for 20 to 300; a numacastd is left alone while it starts, since the kernel
gives up loading a program when a signal comes. Beside it tell stories of that tree:

    tests/net/stutter.py build & sudo make -C build check-net NET_SET="isolation carrier"; kill %1

A story that stops programs itself, or asks how long something takes, is not for this.
"""
import os
import random
import signal
import sys
import time

RUN_S, STILL_S, START_S, LOOK_S, TICK_S = (0.01, 0.06), (0.02, 0.3), 0.6, 0.05, 0.005


def programs(folder):
    """The processes that run one of ours, and how long each is to be left alone."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            program = os.readlink(f"/proc/{name}/exe")
        except OSError:
            continue
        if program in (folder + "/numacastd", folder + "/numacast-probe"):
            yield int(name), START_S if program.endswith("d") else 0


def is_stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0] in "Tt"


class Stutter:
    """When each process is to stand still, or to go on; and which stand still because of us."""

    def __init__(self, rng):
        self.rng, self.turns, self.still = rng, {}, set()

    def look(self, there, now):
        for pid, alone_s in there:
            self.turns.setdefault(pid, now + alone_s + self.rng.uniform(*RUN_S))

    def turn(self, pid, now):
        try:
            stopped = is_stopped(pid)
            if pid in self.still or not stopped:
                os.kill(pid, signal.SIGCONT if pid in self.still else signal.SIGSTOP)
                self.still ^= {pid}
            self.turns[pid] = now + self.rng.uniform(*(STILL_S if pid in self.still else RUN_S))
        except OSError:
            self.still.discard(pid)
            del self.turns[pid]

    def let_go(self):
        for pid in self.still:
            try:
                os.kill(pid, signal.SIGCONT)
            except OSError:
                pass


def main(build, seed=1):
    ended = []
    for signo in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signo, lambda *_: ended.append(True))
    stutter, looked = Stutter(random.Random(int(seed))), 0
    while not ended:
        now = time.monotonic()
        if now - looked > LOOK_S:
            stutter.look(programs(os.path.realpath(build) + "/src"), now)
            looked = now
        for pid in [pid for pid, when in stutter.turns.items() if when <= now]:
            stutter.turn(pid, now)
        time.sleep(TICK_S)
    stutter.let_go()


if __name__ == "__main__":
    main(*sys.argv[1:])
