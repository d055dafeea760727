#!/usr/bin/env python3
"""sweep.py - makes every system call and allocation of numacastd fail in turn, and judges each.

    sweep.py --build DIR [--case NAME]... [--part I/N] [--seconds S] [--seed N] [--out FILE]
             [--only TEXT]

Runs in a network namespace of its own with a loopback interface, as root. What a case makes is
recorded once without a fault, and each call found is a point; so what is new in the program is
tried without anyone adding it. Without --seconds every point is tried with each errno that
errors.py has for it; with it the first and the last of each kind in an order by chance, as many as
time allows. --only: points whose text has that.
Standard output names what is wrong, and ends with a sum; the file has a line for each point. Exit
status 1 when something is wrong.
"""
import argparse
import collections
import errno
import os
import random
import sys
import tempfile
import time
import zlib

from cases import CASES
from judge import Judge
from rows import Rows
from symbols import Symbols


def main():
    args = arguments()
    here = os.path.dirname(os.path.abspath(__file__))
    rows = Rows(f"{here}/known.tsv")
    sums, bad = collections.Counter(), 0
    programs, known = {}, {}
    with (tempfile.TemporaryDirectory(prefix="numacast-sweep.") as work,
          open(args.out, "w", encoding="utf-8") as out):
        for at, name in enumerate(args.case):
            case = CASES[name](args.build, work)
            symbols = symbols_of(case, programs)
            points = [p for p in case.points(symbols, args.seconds is None)
                      if not rows.find("spare", name, p.call.name, p.call.what, p.by)]
            known[name] = {p.kind for p in points}
            for other in getattr(CASES[name], "beyond", ()):
                others = kinds_of(other, known, args, work, programs)
                points = [p for p in points if p.kind not in others]
            judge = Judge(name, rows, symbols)
            for point in chosen(points, args, (at + 1) / len(args.case)):
                outcome = case.try_point(point, judge)
                line = describe(name, point, outcome)
                print(line, file=out, flush=True)
                sums[outcome.verdict] += 1
                if not outcome.good:
                    bad += 1
                    print("NOT OK: " + line.replace("\t", "  "), flush=True)
            wrong = case.end()
            if wrong:
                bad += 1
                print(f"NOT OK: {name} {wrong}")
    print(f"sweep: {sum(sums.values())} points, {bad} wrong: "
          + ", ".join(f"{count} {word}" for word, count in sums.most_common()))
    with open(args.out + ".rows", "w", encoding="utf-8") as out:
        out.writelines(f"{row.number}\n" for row in rows.rows if row.used)
    return 1 if bad else 0


def symbols_of(case, programs):
    """Of the program that it runs."""
    program = case.argv[0]
    if program not in programs:
        programs[program] = Symbols(program)
    return programs[program]


def kinds_of(name, known, args, work, programs):
    """Of a case that was recorded already, or is for that."""
    if name not in known:
        case = CASES[name](args.build, work)
        known[name] = {p.kind for p in case.points(symbols_of(case, programs),
                                                   args.seconds is None)}
        case.end()
    return known[name]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--case", action="append")
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", default="/dev/null")
    parser.add_argument("--only")
    args = parser.parse_args()
    args.case = args.case or list(CASES)
    args.began = time.monotonic()
    if args.seconds:
        print(f"sweep: seed {args.seed}")
    return args


def chosen(points, args, share):
    """Which points are tried, in which order; `share' of the time may be over then."""
    if args.only:
        points = [p for p in points if args.only in describe("", p, None)]
    part, parts = (int(word) for word in args.part.split("/"))
    # Each part records for itself, and need not see the same calls in the same order.
    points = [p for p in points if zlib.crc32(p.command().encode()) % parts == part - 1]
    if args.seconds is None:
        yield from points
        return
    kinds = collections.defaultdict(list)
    for point in points:
        kinds[point.kind].append(point)
    ends = [same[0] for same in kinds.values()]
    ends += [same[-1] for same in kinds.values() if len(same) > 1]
    random.Random(args.seed).shuffle(ends)
    for point in ends:
        if time.monotonic() - args.began > args.seconds * share:
            return
        yield point


def describe(case, point, outcome):
    words = [case, point.call.name, f"#{point.call.nth}", errno.errorcode[point.error],
             point.call.what, point.by]
    if outcome:
        words += [outcome.verdict, outcome.said]
    return "\t".join(words)


if __name__ == "__main__":
    sys.exit(main())
