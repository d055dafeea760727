#!/usr/bin/env python3
"""Prints what is to happen, and when, a line each: MILLISECONDS KIND [ARGUMENT]...

events.py SEED SECONDS [MODE]

The same SEED and SECONDS give the same lines. The first line is `0 mode MODE':

orderly  every process ends in order and leaves its report, so that each datagram has a name
cut      likewise, but flows are received by other sockets as well, for which the kernel's time
         stamps decide; so the clock is not set
kill     processes are killed, under a service manager that keeps their sockets
bare     killed, and nobody keeps anything

What is broken is mended again before the end, so that all has to be whole then.
"""
import random
import sys

SHIFTS_S = (-1000000000, -86400, -3600, -1, 1, 3600, 86400, 1000000000)

# (kind, how often beside others, longest milliseconds until it is undone, or 0, what undoes it)
KINDS = (
    ("link-down", 5, 300, "link-up"),        # behind an output
    ("ingress-down", 3, 300, "ingress-up"),  # of an ingress
    ("stop", 4, 300, "continue"),            # the whole process
    ("stall", 4, 0, ""),                     # one shard, by itself, for a while
    ("throttle", 3, 600, "unthrottle"),      # an output's queue
    ("mtu", 4, 400, "mtu-again"),            # of an output's interface
    ("reload", 6, 0, ""),
    ("rebalance", 4, 0, ""),
    ("flood", 3, 0, ""),
    ("clock", 5, 0, ""),
    ("look", 5, 0, ""),                      # at metrics, and by control
    ("restart", 3, 0, ""),
)
KILLS = (("kill", 4, 0, ""),)
MODES = ("orderly", "cut", "kill", "bare")


def argument(rng, kind):
    """What an event of this kind says more, or nothing."""
    if kind == "stall":
        return f"{rng.randrange(3)} {rng.randrange(20, 300)}"
    if kind == "mtu":
        return str(rng.choice((1280, 1300, 1400, 1480)))
    if kind == "reload":
        return str(rng.randrange(1 << 16))
    if kind == "flood":
        return str(rng.randrange(2000, 12000))
    if kind == "clock":
        return str(rng.choice(SHIFTS_S))
    return ""


def events(seed, seconds, mode):
    rng = random.Random(seed)
    drawn = rng.choice(MODES)
    mode = mode or drawn
    kinds = KINDS + (KILLS if mode in ("kill", "bare") else ())
    if mode == "cut":
        kinds = [row for row in kinds if row[0] != "clock"]
    end_ms, now_ms, lines = int(seconds * 1000), 0, [(0, f"mode {mode}")]
    undone_ms = {}
    while True:
        now_ms += int(rng.expovariate(1 / 120)) + 1
        kind, _, longest_ms, undo = rng.choices(kinds, [row[1] for row in kinds])[0]
        more = argument(rng, kind)
        after_ms = rng.randrange(20, longest_ms) if undo else 0
        if now_ms + after_ms >= end_ms:
            break
        if now_ms <= undone_ms.get(kind, 0):
            continue  # it is so already
        lines.append((now_ms, f"{kind} {more}".rstrip()))
        if undo:
            undone_ms[kind] = now_ms + after_ms
            lines.append((undone_ms[kind], undo))
    return sorted(lines, key=lambda line: line[0])


for when_ms, what in events(int(sys.argv[1]), float(sys.argv[2]), "".join(sys.argv[3:4])):
    print(when_ms, what)
