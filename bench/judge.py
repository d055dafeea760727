#!/usr/bin/env -S python3 -B
"""judge.py RAW [POOL] [--of SUITE] [--without CASE]... [--csv FILE] - were the numbers reached?

RAW holds the trials of the suite `numbers', or of `fastpath' with --of (numbers-raw.csv), POOL what
the pool's own program says of its targets (pool_targets.csv). The two sides of a number were
measured in turn, A B A B, under the same load: the ratio is taken of each run, and the median of
the ratios is compared with the bound. A number without a second side is compared as it is.

Prints a table, and writes it as CSV too. Exit status: 0 every number with a bound was reached, 1
one was missed or was not measured, 2 a file or a column is missing, or the usage wrong. With
--without CASE numbers that need this relay are left out, and that is said: it is not installed.
"""

import argparse
import csv
import operator
import sys
from typing import NamedTuple

import figures

MEETS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
COLUMNS = ["what", "is", "lowest", "highest", "bound", "reached", "of_bound"]
SHORT_WAIT = "uring:--batch-wait 50"
SHORT_SPIN = "uring:--spin 50"
IN_KERNEL = "uring:--fastpath require"


class Side(NamedTuple):
    """The trials on one side of a number: a relay, and how many of what the table varies."""
    case: str
    param: str


class Number(NamedTuple):
    """One number to reach: a figure of `side', divided by that of `against' where there is one.

    What `apart' has of it, which both sides pay alike, is taken from both before.
    """
    title: str
    table: str
    figure: str
    side: Side
    against: Side | None = None
    bound: str = ""
    apart: Side | None = None


# Where CPU is compared nobody receives (numbers.sh says why). The baseline is mmsg-singles: epoll,
# recvmmsg and sendmmsg, no trains.
NUMBERS = [
    Number("trains in and out: datagrams/s, of the kernel's", "trains", "rate",
           Side("uring", "40"), Side("smcroute", "40"), ">= 0.9"),
    Number("... of the kernel's when forwarding has a processor to itself (no bound)",
           "trains", "rate", Side("uring", "40"), Side("smcroute-steered", "40")),
    Number("trains in and out: CPU, of the baseline's", "trains", "cpu",
           Side("uring", "40"), Side("mmsg-singles", "40"), "<= 0.12"),
    Number("singles, --batch-wait 50: CPU, of the baseline's", "singles", "cpu",
           Side(SHORT_WAIT, "1"), Side("mmsg-singles", "1"), "<= 0.45"),
    Number("singles, --batch-wait 50: CPU, of socat's", "singles", "cpu",
           Side(SHORT_WAIT, "1"), Side("socat", "1"), "<= 0.12"),
    Number("trains: system calls per datagram", "trains", "calls",
           Side("uring", "40"), bound="<= 0.02"),
    Number("singles, --batch-wait 50: system calls per datagram", "singles", "calls",
           Side(SHORT_WAIT, "1"), bound="<= 0.2"),
    Number("50000/s: p50 of latency, of the baseline's", "latency", "p50",
           Side("uring", "50000"), Side("mmsg-singles", "50000"), "<= 1"),
    Number("50000/s: p99 of latency, of the baseline's", "latency", "p99",
           Side("uring", "50000"), Side("mmsg-singles", "50000"), "<= 1"),
    Number("50000/s, --spin 50: p50 of latency, of the baseline's", "latency", "p50",
           Side(SHORT_SPIN, "50000"), Side("mmsg-singles", "50000"), "<= 0.75"),
    Number("16 outputs, trains: CPU per output, of that with 1", "outputs-trains", "cpu",
           Side("uring", "16"), Side("uring", "1"), "<= 0.7"),
    Number("16 outputs, singles: CPU per output, of that with 1", "outputs", "cpu",
           Side("uring", "16"), Side("uring", "1"), "<= 0.7"),
    Number("1024 groups, trains: CPU, of that with 1", "groups-trains", "cpu",
           Side("uring", "1024"), Side("uring", "1"), "<= 1.25"),
    Number("1024 groups, trains off: CPU, of that with 1", "groups", "cpu",
           Side("uring-singles", "1024"), Side("uring-singles", "1"), "<= 1.25"),
]

# What is relayed in the kernel, with and without its program: CPU is that of sender and relay
# together, since the program runs in the time of whoever sends (suites/fastpath.sh).
FASTPATH = [
    Number("8 outputs, trains: datagrams a CPU second, of those without", "trains-8", "a_second",
           Side(IN_KERNEL, "1316"), Side("uring", "1316"), ">= 4"),
    Number("8 outputs, mixed sizes: the same", "mixed-8", "a_second",
           Side(IN_KERNEL, "64-1400"), Side("uring", "64-1400"), ">= 2"),
    Number("1 output, mixed sizes: the same (most is the sender's own; no bound)", "mixed-1",
           "a_second", Side(IN_KERNEL, "64-1400"), Side("uring", "64-1400")),
    Number("... CPU without it by CPU with it, the sender's own apart", "mixed-1", "both",
           Side("uring", "64-1400"), Side(IN_KERNEL, "64-1400"), ">= 2",
           Side("alone", "64-1400")),
    Number("1 output, trains: CPU, of the kernel's own forwarding", "trains-1", "all",
           Side(IN_KERNEL, "1316"), Side("smcroute", "1316"), "<= 1.1"),
    Number("50000/s: p50 of latency, of the kernel's own forwarding", "latency", "p50",
           Side(IN_KERNEL, "200"), Side("smcroute", "200"), "<= 1.1"),
    Number("50000/s: the relay's own CPU, % of a processor", "latency", "core",
           Side(IN_KERNEL, "200"), bound="<= 2"),
    Number("8 outputs, small singles of one size: the first again (no bound: it loses)",
           "singles-8", "a_second",
           Side(IN_KERNEL, "200"), Side("uring", "200")),
]
SUITES = {"numbers": NUMBERS, "fastpath": FASTPATH}


class Verdict(NamedTuple):
    """What became of one number: its median over the runs, and the lowest and highest of them."""
    title: str
    values: list[float]
    bound: str
    left_out: bool = False

    def median(self):
        return figures.median(self.values)

    def reached(self):
        """yes, NO, or why there is neither."""
        if not self.values:
            return "left out" if self.left_out else "not measured"
        if not self.bound:
            return "-"
        sign, limit = self.bound.split()
        return "yes" if MEETS[sign](self.median(), float(limit)) else "NO"

    def is_missed(self):
        return self.reached() == "NO" or (bool(self.bound) and self.reached() == "not measured")

    def of_bound(self):
        """How much of the bound is used: at most 1 where it is reached."""
        if not self.values or not self.bound:
            return ""
        sign, limit = self.bound.split()
        is_now, limit = self.median(), float(limit)
        part, whole = (is_now, limit) if sign.startswith("<") else (limit, is_now)
        return f"{figures.ratio(part, whole):.4f}"

    def cells(self):
        """The verdict in the order of COLUMNS; a single value has no lowest and highest."""
        shown = ["", "", ""]
        if self.values:
            shown[0] = f"{self.median():.4f}"
        if len(self.values) > 1:
            shown[1:] = [f"{min(self.values):.4f}", f"{max(self.values):.4f}"]
        return [self.title, *shown, self.bound, self.reached(), self.of_bound()]


def by_run(raw, number, side):
    """The figure of one side in each run."""
    lines = raw.select(table=number.table, case=side.case, param=side.param)
    return {line["run"]: raw.value(line, number.figure) for line in lines}


def judge_number(raw, number, without):
    """The verdict on one number: the ratios of the runs in which both sides were measured."""
    values = by_run(raw, number, number.side)
    other = by_run(raw, number, number.against) if number.against else {}
    if number.apart:
        apart = by_run(raw, number, number.apart)
        values = {run: value - apart[run] for run, value in values.items() if run in apart}
        other = {run: value - apart[run] for run, value in other.items() if run in apart}
    if number.against:
        values = {run: value / other[run] for run, value in values.items() if other.get(run)}
    cases = {side.case.split("-")[0] for side in (number.side, number.against) if side}
    return Verdict(number.title, list(values.values()), number.bound,
                   left_out=bool(cases & set(without)))


def judge(raw_path, pool_path=None, without=(), suite="numbers"):
    """All verdicts, the relay's and then the pool's, whose bounds its program names."""
    raw = figures.Results(raw_path, ["table", "case", "param", "run"] + figures.RAW_COLUMNS)
    verdicts = [judge_number(raw, number, without) for number in SUITES[suite]]
    if not pool_path:
        return verdicts
    pool = figures.Results(pool_path, ["target", "is", "bound"])
    if not pool.lines:
        raise figures.Missing(f"{pool_path}: no target")
    for line in pool.lines:
        verdicts.append(Verdict(f"pool: {line['target']}", [pool.value(line, "is")],
                                line["bound"]))
    return verdicts


def print_table(rows):
    """Aligned: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw")
    parser.add_argument("pool", nargs="?")
    parser.add_argument("--of", choices=SUITES, default="numbers", metavar="SUITE")
    parser.add_argument("--without", action="append", default=[], metavar="CASE")
    parser.add_argument("--csv", metavar="FILE")
    options = parser.parse_args()
    try:
        verdicts = judge(options.raw, options.pool, options.without, options.of)
    except figures.Missing as what:
        print(f"judge.py: {what}", file=sys.stderr)
        return 2
    rows = [COLUMNS] + [verdict.cells() for verdict in verdicts]
    print_table(rows)
    if options.csv:
        with open(options.csv, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    missed = [verdict for verdict in verdicts if verdict.is_missed()]
    for verdict in missed:
        print(f"judge.py: missed: {verdict.title}: {verdict.reached()}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
