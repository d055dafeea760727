#!/usr/bin/env -S python3 -B
"""docs.py [--check] - fills the tables of figures in README.md and doc/*.md from doc/bench.

A table stands between two markers, `<!-- bench:NAME -->' and `<!-- /bench -->', and everything
between them is written from here: TABLES says what NAME has in its rows and columns, and from which
file of doc/bench. With --check nothing is written; what differs is printed, `file:line: what', and
the exit status is 1 (tests/lint/check-figures). It works on the tree below the current directory.

Of results that were never kept (their file has a header and no trial) a line says so instead.
Where markers are used no table of figures (one with a column aligned to the right) stands outside
of them, unless a comment right before it says by what it was measured: `<!-- by hand: COMMAND -->'.
"""

import argparse
import glob
import os
import re
import sys
from typing import NamedTuple

import figures
import judge

KEPT = "doc/bench"
MARKER = re.compile(r"<!-- bench:([a-z0-9-]+) -->")
END_MARKER = "<!-- /bench -->"
NOT_YET = "*Not measured yet.*"
BY_HAND = re.compile(r"<!-- by hand: .+")
RIGHT_ALIGNED = re.compile(r"\|([-:]+\|)*-+:\|([-:]+\|)*")


# How a figure is written.

def amount(value):
    """A number of datagrams in thousands or millions; none is a result too."""
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    return f"{value / 1e3:.0f} k" if value else "none"


def whole(value):
    return f"{value:.0f}"


def brief(value):
    """Two digits that say something, without an exponent."""
    if value >= 10 or value == 0:
        return f"{value:.0f}"
    return f"{value:#.2g}" if value >= 0.0001 else "0"


def micro(value):
    """Nanoseconds as microseconds."""
    return f"{value / 1000:#.2g}" if value < 10000 else f"{value / 1000:.1f}"


def times(value):
    return f"{value:.2f}"


# What a table is made of.

class Row(NamedTuple):
    """A row: its first cell, and the lines of the source that it is about."""
    label: str
    where: dict


class Column(NamedTuple):
    """A column: title, figure, form, and the lines of the source that it is about.

    `of' makes it a ratio to the same figure of other lines. `blank' are the values of `case' that
    have no such figure: the kernel's forwarding has no processor of a relay, and a peer does not
    count its system calls.
    """
    title: str
    figure: str
    form: callable = whole
    where: dict = {}
    of: dict | None = None
    blank: tuple = ()


class Matrix(NamedTuple):
    """Rows down, columns across; every cell is the median of what row and column leave."""
    source: str
    corner: str
    rows: list
    columns: list

    def lines(self):
        results = figures.Results(f"{KEPT}/{self.source}")
        head = [self.corner] + [column.title for column in self.columns]
        numeric = all(re.fullmatch(r"[0-9-]+[KM]?", row.label) for row in self.rows)
        yield head, ["---:" if numeric else "---"] + ["---:"] * len(self.columns)
        for row in self.rows:
            yield [row.label] + [self.cell(results, row, column) for column in self.columns]

    @staticmethod
    def cell(results, row, column):
        where = {**column.where, **row.where}
        if where.get("case") in column.blank:
            return "–"
        value = results.median(column.figure, **where)
        if column.of is not None:
            value /= results.median(column.figure, **{**where, **column.of})
        return column.form(value)


class Verdicts(NamedTuple):
    """The numbers to reach of a suite, as judge.py finds them."""
    suite: str
    pool: str | None = None

    @property
    def source(self):
        return f"{self.suite}-raw.csv"

    def lines(self):
        yield ["what", "is", "runs", "to reach", "reached"], ["---"] + ["---:"] * 4
        pool = f"{KEPT}/{self.pool}" if self.pool else None
        for verdict in judge.judge(f"{KEPT}/{self.source}", pool, suite=self.suite):
            runs = "–"
            if len(verdict.values) > 1:
                runs = f"{min(verdict.values):.3g} – {max(verdict.values):.3g}"
            bound = verdict.bound.replace("<=", "≤").replace(">=", "≥") or "–"
            is_now = f"{verdict.median():.3g}" if verdict.values else "–"
            yield [verdict.title, is_now, runs, bound, verdict.reached().replace("-", "–")]


class Profile(NamedTuple):
    """Where the relay's processor spends its time: shares, and the functions that weigh most."""
    cases: list
    shown: int = 3

    def lines(self):
        results = figures.Results(f"{KEPT}/profile.csv", ["case", "share_pct", "where", "function"])
        yield ["", "own code", "kernel", "what weighs most, %"], ["---", "---:", "---:", "---"]
        for label, case in self.cases:
            lines = results.select(case=case)
            if not lines:
                raise figures.Missing(f"{results.path}: no case '{case}'")
            kernel = sum(float(line["share_pct"]) for line in lines
                         if line["function"] == "(all)" and line["where"] == "kernel")
            heaviest = [line for line in lines if line["function"] != "(all)"][:self.shown]
            names = [f"`{line['function'].split('.')[0]}` {line['share_pct']}"
                     for line in heaviest]
            yield [label, f"{100 - kernel:.1f} %", f"{kernel:.1f} %", ", ".join(names)]


# The tables, by the names in the markers.

RELAYS = {
    "uring": "numacastd",
    "mmsg": "numacastd `--engine mmsg`",
    "uring-singles": "numacastd without trains",
    "mmsg-singles": "baseline: mmsg without trains",
    "socat": "socat",
    "multicat": "multicat",
    "smcroute": "smcroute, the kernel forwards",
}
PEERS = ("socat", "multicat", "smcroute")
README_RELAYS = {**RELAYS, "mmsg-singles": "epoll, recvmmsg, sendmmsg"}
LATENCY_RELAYS = {
    "uring": RELAYS["uring"],
    "uring:--spin 50": "numacastd `--spin 50`",
    "uring:--batch-wait 50": "numacastd `--batch-wait 50`",
    **{case: label for case, label in RELAYS.items() if case != "uring"},
}


def cases(labels, *names):
    return [Row(labels[name], {"case": name}) for name in names or labels]


def params(*values):
    return [Row(value, {"param": value}) for value in values]


def saturation(table):
    """The columns of a relay with all that one sender can send, 1316 bytes."""
    at = {"table": table, "param": "1316"}
    return [
        Column(f"{table}: /s", "rate", amount, at), Column("lost %", "loss", brief, at),
        Column("ns", "cpu", whole, at, blank=("smcroute",)), Column("both ns", "all", whole, at),
        Column("calls", "calls", brief, at, blank=PEERS),
    ]


def latency():
    columns = []
    for rate, title in (("1000", "1000/s"), ("10000", "10 000/s"), ("50000", "50 000/s")):
        at = {"table": "latency", "param": rate}
        columns += [Column(f"{title}: p50 µs", "p50", whole, at), Column("p99", "p99", whole, at)]
    columns.append(Column("CPU ns", "cpu", whole, at, blank=("smcroute",)))
    return Matrix("relay-raw.csv", "", cases(LATENCY_RELAYS), columns)


def tune(flag, *rows, latencies=True):
    """A table of TUNING.md: one flag, all else at its default; rows are TABLE VALUE NOTE."""
    columns = [
        Column("datagrams/s", "rate", amount), Column("lost %", "loss", brief),
        Column("CPU ns", "cpu"), Column("calls", "calls", brief),
    ]
    if latencies:
        columns += [Column("p50 µs", "p50"), Column("p99 µs", "p99")]
    return Matrix("tune-raw.csv", f"`--{flag}`", [
        Row(f"{value}{note}", {"table": table, "param": value})
        for table, values, note in rows for value in values.split()], columns)


def zerocopy(table):
    """Ratios of the relay's time for each train, in and out, to that of copying it."""
    copied = {"case": "copied"}
    sizes = ("10528", "32900", "63168")
    return Matrix("zerocopy-raw.csv", "train, bytes", params(*sizes), [
        Column("copied, ns a datagram", "cpu", whole, {"table": table, **copied}),
        Column("zero copy, of that", "cpu", times, {"table": table, "case": "zerocopy"}, copied),
        Column("from registered", "cpu", times, {"table": table, "case": "registered"}, copied)])


SPREAD = {
    "group4": "group, IPv4, a filter on each socket",
    "group6": "group, IPv6",
    "unicast4": "unicast, IPv4, SO_REUSEPORT",
    "unicast6": "unicast, IPv6",
    "outputs": "group, IPv4, `by=outputs`",
}


def spread():
    """What a datagram costs the processor it comes in on, by shards."""
    return Matrix("spread-raw.csv", "", cases(SPREAD), [
        Column(f"{shape}: {count}" if count == "1" else count, "in", whole,
               {"table": shape, "param": count})
        for shape in ("singles", "bursts", "trains") for count in ("1", "2", "4", "8")])


SINGLES = {
    "uring": "numacastd",
    "uring:--latency 100": "numacastd `--latency 100`",
    "uring:--gro off": "numacastd `--gro off`",
    "mmsg": "numacastd `--engine mmsg`",
    "mmsg-singles": "baseline: mmsg without trains",
    "smcroute-steered": "smcroute, the kernel forwards on that core",
    "socat": "socat",
}


def singles():
    """True singles to one output: rate and CPU by size."""
    sizes = ("200", "1400", "64-1400")
    return Matrix("singles-raw.csv", "", cases(SINGLES), [
        column for size in sizes for column in (
            Column(f"{size} bytes: /s", "rate", amount, {"table": "one", "param": size}),
            Column("CPU ns", "cpu", whole, {"table": "one", "param": size},
                   blank=("smcroute-steered",)))])


def fan_out():
    """True singles to several outputs: CPU of each that left."""
    ours = ("uring", "uring:--latency 100", "mmsg-singles")
    return Matrix("singles-raw.csv", "", cases(SINGLES, *ours), [
        Column(f"{size} bytes, 1:{count}", "cpu", whole,
               {"table": f"fan-out-{count}", "param": size})
        for size in ("1400", "64-1400") for count in ("3", "8")])


def floor():
    """CPU of true singles by size, and as a ratio to that of a loop which does nothing else."""
    names = ("floor", "mmsg", "uring:--gro off", "uring")
    return Matrix("floor-raw.csv", "", cases({**SINGLES, "floor": "the loop"}, *names), [
        column for size in ("200", "1316", "64-1400") for column in (
            Column(f"{size} bytes: CPU ns", "cpu", whole, {"param": size}),
            Column("of the loop", "cpu", times, {"param": size}, {"case": "floor"}))])


WAITS = {
    "sleep": "neither: sleeps at once",
    "batch 50": "`--batch-wait 50`",
    "batch 100": "`--batch-wait 100`",
    "spin 50": "`--spin 50`",
    "latency 100": "`--latency 100`",
}


def waits(suite):
    """Ways to wait by rate: CPU, then the median latency."""
    rates = {"10000": "10 000/s", "50000": "50 000/s", "150000": "150 000/s",
             "300000": "300 000/s", "saturated": "saturated"}
    return Matrix(f"{suite}-raw.csv", "", cases(WAITS), [
        Column(f"{title}: CPU ns" if rate == "10000" else title, "cpu", whole,
               {"table": "cpu", "param": rate}) for rate, title in rates.items()] + [
        Column(f"{title}: p50 µs" if rate == "10000" else title, "p50", whole,
               {"table": "latency", "param": rate})
        for rate, title in list(rates.items())[:3]])


FASTPATH = {
    "uring:--fastpath require": "numacastd `--fastpath`",
    "uring": "numacastd",
    "smcroute": "smcroute, the kernel forwards",
    "alone": "the sender alone",
}


def fastpath():
    """CPU of sender and relay for each datagram that arrived, by load; and latency."""
    loads = {"trains-1": ("trains", "1316"), "trains-8": ("trains, 1:8", "1316"),
             "mixed-1": ("mixed", "64-1400"), "mixed-8": ("mixed, 1:8", "64-1400"),
             "singles-8": ("200 bytes, 1:8", "200")}
    fan_out = ("smcroute", "alone")
    return Matrix("fastpath-raw.csv", "CPU ns", cases(FASTPATH), [
        Column(title, "both", whole, {"table": table, "param": size},
               blank=() if table == "trains-1" else ("smcroute",) if table == "mixed-1" else
               fan_out) for table, (title, size) in loads.items()] + [
        Column("50 000/s: p50 µs", "p50", whole, {"table": "latency", "param": "200"},
               blank=("alone",)),
        Column("p99", "p99", whole, {"table": "latency", "param": "200"}, blank=("alone",))])


PLANS = [("8", "1", "evenly"), ("128", "2", "one node"), ("1024", "32", "evenly"),
         ("1024", "32", "one node")]

TABLES = {
    "readme": Matrix("relay-raw.csv", "", cases(
        README_RELAYS, "uring", "mmsg-singles", "socat", "multicat", "smcroute"), [
            Column("trains without loss, /s", "rate", amount,
                   {"table": "lossless", "param": "trains"}),
            Column("CPU, µs", "cpu", micro, {"table": "trains", "param": "1316"},
                   blank=("smcroute",)),
            Column("trains that a device cuts up, /s", "rate", amount,
                   {"table": "singles", "param": "1316"}),
            Column("lost, %", "loss", brief, {"table": "singles", "param": "1316"}),
            Column("CPU, µs", "cpu", micro, {"table": "singles", "param": "1316"},
                   blank=("smcroute",))]),
    "readme-singles": Matrix("singles-raw.csv", "", cases(
        {**SINGLES, "mmsg-singles": README_RELAYS["mmsg-singles"]},
        "uring", "uring:--latency 100", "mmsg-singles", "socat", "smcroute-steered"), [
            column for size, title in (("1400", "1400 bytes"), ("64-1400", "64 to 1400 bytes"))
            for column in (
                Column(f"{title}: /s", "rate", amount, {"table": "one", "param": size}),
                Column("CPU, µs", "cpu", micro, {"table": "one", "param": size},
                       blank=("smcroute-steered",)))]),
    "numbers": Verdicts("numbers", "numbers-pool.csv"),
    "fastpath-numbers": Verdicts("fastpath"),
    "fastpath": fastpath(),
    "peers": Matrix("relay-raw.csv", "", cases(RELAYS),
                    saturation("singles") + saturation("trains")),
    "sizes": Matrix("relay-raw.csv", "singles, bytes", params("64", "1316", "8900", "64-1400"), [
        Column(RELAYS[case], "rate", amount, {"table": "singles", "case": case})
        for case in ("uring", "mmsg-singles", "socat", "multicat", "smcroute")]),
    "lossless": Matrix("relay-raw.csv", "", cases(RELAYS), [
        Column("singles", "rate", amount, {"table": "lossless", "param": "singles"}),
        Column("trains of 40", "rate", amount, {"table": "lossless", "param": "trains"})]),
    "latency": latency(),
    "singles": singles(),
    "fan-out": fan_out(),
    "floor": floor(),
    "waits": waits("waits"),
    "waits-mmsg": waits("waits_mmsg"),
    "profile": Profile([
        ("trains", "trains"),
        ("trains, forwarded by the kernel", "trains; forwarded by the kernel"),
        ("singles at saturation, `--batch-wait 50`", "singles at saturation; --batch-wait 50"),
        ("... the baseline", "singles at saturation; baseline"),
        ("... socat", "singles at saturation; socat"),
        ("50 000/s, default flags", "50000/s; default flags"),
        ("... the baseline", "50000/s; baseline")]),
    "outputs": Matrix("relay-raw.csv", "outputs", params("1", "4", "16", "64"), [
        Column(f"{table}: {relay}", "cpu", whole, {"table": f"outputs-{table}", "case": case})
        for table in ("singles", "trains")
        for relay, case in (("numacastd", "uring"), ("the baseline", "mmsg-singles"))]),
    "groups": Matrix("scale-raw.csv", "groups", params("1", "64", "1024", "4096"), [
        Column(f"{case}, {unit}", figure, form, {"table": "groups", "case": case})
        for figure, unit, form in (("cpu", "ns", whole), ("calls", "calls", brief))
        for case in ("singles", "trains")]),
    "neighbours": Matrix("scale-raw.csv", "room for neighbours", [
        Row("1024, as usual", {"param": "1024"}), Row("65536", {"param": "65536"})], [
            Column("CPU ns", "cpu", whole, {"table": "neighbours"})]),
    "spread": spread(),
    "plan": Matrix("plan.csv", "CPUs, nodes, flows come in", [
        Row(", ".join(plan), dict(zip(("cpus", "nodes", "asking", "flows"), plan + ("100000",))))
        for plan in PLANS], [
            Column("plan, ms", "plan_ms", times), Column("ns a flow", "ns_a_flow"),
            Column("heaviest shard : mean", "heaviest_to_mean", times),
            Column("% of flows on a farther node", "farther_%", brief)]),
    "batch-wait": tune(
        "batch-wait", ("batch-wait-singles", "0 50 500", ", all that one sender sends singly"),
        ("batch-wait-50k", "0 10 50 200", ", 50 000/s"),
        ("batch-wait-trains", "0 50 500", ", trains")),
    "spin": tune("spin", ("spin-50k", "0 10 50", ", 50 000/s"),
                 ("spin-5k", "0 50 200", ", 5000/s")),
    "batch-submit": tune("batch-submit", ("batch-submit", "0 1 8", ", singles"),
                         ("batch-submit-trains", "0 1 8", ", trains")),
    "train-max": tune("train-max", ("train-max", "2 16 64", "")),
    "hot": tune("hot", ("hot-train", "2 32", ", trains"),
                ("hot-train-large", "32 1024", ", trains, pool of 1024"),
                ("hot-small", "8 512", ", singles in small buffers")),
    "rcvbuf": tune("rcvbuf", ("rcvbuf", "256K 4M 64M", ", trains"),
                   ("rcvbuf-singles", "256K 4M", ", singles"), latencies=False),
    "sqpoll": tune("sqpoll", ("sqpoll", "off on", "")),
    "zerocopy-cut": zerocopy("cut"),
    "zerocopy-uncut": zerocopy("uncut"),
}


# Documents: what stands between markers, and what should.

def markdown(table):
    """A table as lines of Markdown."""
    lines = table.lines()
    head, rule = next(lines)
    rows = ["| " + " | ".join(head) + " |", "|" + "|".join(rule) + "|"]
    return rows + ["| " + " | ".join(cells) + " |" for cells in lines]


def table_named(name):
    if name not in TABLES:
        raise figures.Missing(f"no table is called '{name}'")
    table = TABLES[name]
    if not isinstance(table, Profile) and not figures.Results(f"{KEPT}/{table.source}").lines:
        return [NOT_YET]
    return markdown(table)


def fill(lines):
    """The document with its tables made anew; then what is broken and which tables had parted from
    their results, as (line number, what) each."""
    filled, broken, parted, i = [], [], [], 0
    while i < len(lines):
        filled.append(lines[i])
        i += 1
        marker = MARKER.fullmatch(lines[i - 1])
        if not marker:
            continue
        end = i
        while end < len(lines) and (lines[end].startswith("|") or lines[end] == NOT_YET):
            end += 1
        if lines[end:end + 1] != [END_MARKER]:
            broken.append((i, f"table '{marker[1]}' has no end: {END_MARKER}"))
            continue
        try:
            made = table_named(marker[1])
        except figures.Missing as what:
            broken.append((i, f"table '{marker[1]}': {what}"))
            made = lines[i:end]
        if made != lines[i:end]:
            parted.append((i, f"table '{marker[1]}' is not what {KEPT} has; "
                              "bench/run --docs fills it"))
        filled += made
        i = end
    return filled, broken, parted


def strays(lines):
    """Tables of figures that no marker holds: (line number, what) each."""
    inside, by_hand = False, False
    for number, line in enumerate(lines, 1):
        inside = (inside or bool(MARKER.fullmatch(line))) and line != END_MARKER
        by_hand = (by_hand or bool(BY_HAND.fullmatch(line))) and line != ""
        if RIGHT_ALIGNED.fullmatch(line) and not inside and not by_hand:
            yield number, "a table of figures without a marker or the command it was measured by"


def look_at(path, check):
    """Fills one document, or looks only; what is wrong: (line number, what) each."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    filled, broken, parted = fill(lines)
    if not check and parted:
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(filled))
        parted = []
    if any(MARKER.fullmatch(line) for line in lines):
        broken += strays(filled if not check else lines)
    return sorted(broken + parted)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    failed = False
    for path in ["README.md", *sorted(glob.glob("doc/*.md"))]:
        for number, what in look_at(path, options.check) if os.path.exists(path) else []:
            print(f"{path}:{number}: {what}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
