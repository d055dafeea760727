#!/usr/bin/env python3
"""table.py - what a fault sweep came to, as a table for doc/RELIABILITY.md.

    table.py FILE             what sweep.py --out wrote, by kinds of calls
    table.py --cases FILE     the same by cases, with a sum
    table.py --stale FILE...  rows of known.tsv that are in none of these lists of rows in use
"""
import collections
import os
import sys

from cases import CASES
from rows import Rows

# Calls by what they are for; the first that fits.
GROUPS = (
    ("allocations", ("alloc",)),
    ("rings", ("io_uring_",)),
    ("huge pages and nodes", ("mmap:huge", "madvise", "mbind", "move_pages", "set_mempolicy",
                              "get_mempolicy")),
    ("joining and leaving", ("setsockopt:0:42", "setsockopt:0:45", "setsockopt:0:46",
                             "setsockopt:0:47", "setsockopt:41:42", "setsockopt:41:45",
                             "setsockopt:41:46", "setsockopt:41:47")),
    ("socket options", ("setsockopt", "getsockopt")),
    ("sockets", ("socket", "bind", "connect", "listen", "accept", "getsockname", "send", "recv")),
    ("other descriptors", ("eventfd2", "signalfd4", "epoll", "fcntl", "ioctl", "memfd", "pipe")),
    ("files", ("open", "read", "write", "newfstatat", "fstat", "getdents", "access", "faccess",
               "unlink", "rename", "statfs", "lseek", "chmod", "chown", "fsync", "pread")),
)
OTHER_CALL = "not reached"
OTHERS = "threads, memory, the rest"


def main():
    if sys.argv[1] == "--stale":
        return stale(sys.argv[2:])
    if sys.argv[1] == "--cases":
        return by_cases(sys.argv[2])
    sums = collections.defaultdict(collections.Counter)
    verdicts = collections.Counter()
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            words = line.rstrip("\n").split("\t")
            sums[words[0], group_of(words[1])][words[6]] += 1
            verdicts[words[6]] += 1
    columns = [word for word, _ in verdicts.most_common()]
    print("| case | calls | points | " + " | ".join(columns) + " |")
    print("|---|---|" + "---:|" * (len(columns) + 1))
    for (case, group), counts in sums.items():
        print_row(f"{case} | {group}", counts, columns)
    return 0


def by_cases(path):
    """Points whose call was another one when its turn came are no points of the table."""
    sums = collections.defaultdict(collections.Counter)
    others = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.rstrip("\n").split("\t")
            if words[6] == OTHER_CALL:
                others += 1
            else:
                sums[words[0]][words[6]] += 1
    total = sum(sums.values(), collections.Counter())
    columns = [word for word, _ in total.most_common()]
    print("| case | points | " + " | ".join(columns) + " |")
    print("|---|" + "---:|" * (len(columns) + 1))
    for case in [name for name in CASES if name in sums]:
        print_row(f"`{case}`", sums[case], columns)
    print_row("all", total, columns)
    print(f"\n{others} points were another call when their turn came, and are not in the table")
    return 0


def print_row(name, counts, columns):
    print(f"| {name} | {sum(counts.values())} | "
          + " | ".join(str(counts[word] or "") for word in columns) + " |")


def group_of(call):
    for name, heads in GROUPS:
        if call.startswith(heads):
            return name
    return OTHERS


def stale(lists):
    used = set()
    for path in lists:
        with open(path, encoding="ascii") as file:
            used |= {int(line) for line in file}
    rows = Rows(os.path.join(os.path.dirname(os.path.abspath(__file__)), "known.tsv"))
    left = [row for row in rows.rows if not (row.number in used or row.at_times)]
    for row in left:
        print(f"known.tsv:{row.number}: nothing needs it: {row.line.strip()}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
