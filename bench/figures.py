"""figures.py - from the results of a suite to figures, columns by their names.

Two kinds of files are read alike. A raw file (NAME-raw.csv) has a line for each trial (trial.sh); a
figure of it is the median over the trials that a filter leaves. A table that one of the bench
programs wrote (pool_latency.csv) has one line for each thing measured, so its median is the value
itself. What is asked for and is not there is a mistake of whoever asks: a missing file, column or
line raises Missing, and no figure is ever made up for it.

judge.py, docs.py and the tables of bench/run (table.sh) take their figures from here, so a figure
has one definition. The relay's time is `relay_ns'; CPU is that time for each datagram that it sent,
`all' that of sender and relay together for each that arrived, `both' the same or, where nothing is
relayed, for each that would have arrived, and `a_second' how many arrived for a second of both;
`in' is that of the sender alone for each that it sent, which on a veth holds the kernel's way into
the relay's sockets; `core' is how much of its processor the relay took, in percent.
"""

import csv
import sys

DERIVED = {
    "rate": lambda t: ratio(t["received"], t["seconds"]),
    "loss": lambda t: 100 * (1 - ratio(t["received"], t["expected"])),
    "cpu": lambda t: ratio(t["relay_ns"], t["relayed"]),
    "all": lambda t: ratio(t["relay_ns"] + t["sender_ns"], t["received"]),
    "both": lambda t: ratio(t["relay_ns"] + t["sender_ns"], t["received"] or t["expected"]),
    "a_second": lambda t: 1e9 * ratio(t["received"], t["relay_ns"] + t["sender_ns"]),
    "core": lambda t: ratio(t["relay_ns"] / 1e7, t["seconds"]),
    "in": lambda t: ratio(t["sender_ns"], t["sent"]),
    "calls": lambda t: ratio(t["syscalls"], t["relayed"]),
    "p50": lambda t: t["p50_ns"] / 1000,
    "p99": lambda t: t["p99_ns"] / 1000,
    "p999": lambda t: t["p999_ns"] / 1000,
}
RAW_COLUMNS = ("sent expected received duplicated reordered seconds relayed relay_ns sender_ns "
               "syscalls p50_ns p99_ns p999_ns load disturbed").split()
# The tables of bench/run: the name of each column, the figure in it, and how it is written.
SUMMARY = [
    ("rate", "rate", ".0f"), ("loss_pct", "loss", ".3f"), ("cpu_ns", "cpu", ".0f"),
    ("all_ns", "all", ".0f"), ("syscalls", "calls", ".4f"), ("p50_us", "p50", ".1f"),
    ("p99_us", "p99", ".1f"), ("p999_us", "p999", ".1f"), ("load", "load", ".2f"),
    ("disturbed", "disturbed", ".1f"), ("in_ns", "in", ".0f"),
]


class Missing(Exception):
    """A file, column or line that is asked for and is not there."""


def ratio(part, whole):
    """What was not there, nothing can be divided by: a relay that relays nothing costs nothing."""
    return part / whole if whole > 0 else 0


def median(values):
    """The middle one, or the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


class Results:
    """One CSV file: its lines as dictionaries, in their order."""

    def __init__(self, path, needs=()):
        self.path = path
        try:
            with open(path, newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                self.lines = list(reader)
                self.columns = reader.fieldnames or []
        except OSError as error:
            raise Missing(f"{path}: {error.strerror}") from error
        for name in needs:
            if name not in self.columns:
                raise Missing(f"{path}: no column '{name}'")

    def select(self, **where):
        """The lines whose columns have these values."""
        for name in where:
            if name not in self.columns:
                raise Missing(f"{self.path}: no column '{name}'")
        return [line for line in self.lines
                if all(line[name] == value for name, value in where.items())]

    def text(self, column, **where):
        """What stands in that column of the only line that is left."""
        lines = self.select(**where)
        if len(lines) != 1 or column not in self.columns:
            raise Missing(f"{self.path}: {len(lines)} lines of {describe(where)}, "
                          f"expected one with a column '{column}'")
        return lines[0][column]

    def number(self, line, column):
        """What stands in a column of a line, as a number."""
        if column not in self.columns:
            raise Missing(f"{self.path}: no column '{column}'")
        try:
            return float(line[column])
        except (TypeError, ValueError):
            raise Missing(f"{self.path}: no number for '{column}' in: {line}") from None

    def value(self, line, figure):
        """A figure of one line: a column, or what is derived from a trial's columns."""
        if figure in DERIVED and figure not in self.columns:
            return DERIVED[figure]({name: self.number(line, name) for name in RAW_COLUMNS})
        return self.number(line, figure)

    def median(self, figure, **where):
        """The median of a figure over the lines that are left."""
        lines = self.select(**where)
        if not lines:
            raise Missing(f"{self.path}: no line of {describe(where)}")
        return median(self.value(line, figure) for line in lines)


def describe(where):
    """A filter in words, for messages."""
    return ", ".join(f"{name} '{value}'" for name, value in where.items())


def summarise(path):
    """CSV of the medians of a raw file, one line for each table, case and parameter."""
    raw = Results(path, ["table", "case", "param", "run"] + RAW_COLUMNS)
    keys = dict.fromkeys((line["table"], line["case"], line["param"]) for line in raw.lines)
    print("table,case,param,runs," + ",".join(name for name, _, _ in SUMMARY))
    for table, case, param in keys:
        where = {"table": table, "case": case, "param": param}
        cells = [table, case, param, str(len(raw.select(**where)))]
        cells += [format(raw.median(figure, **where), form) for _, figure, form in SUMMARY]
        print(",".join(cells))


if __name__ == "__main__":
    try:
        summarise(sys.argv[1])
    except Missing as what:
        sys.exit(f"figures.py: {what}")
