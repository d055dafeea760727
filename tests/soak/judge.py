#!/usr/bin/env python3
"""Judges a long run: what has grown, and what was lost; judge.py DIR, as tests/soak/run leaves it.

Growth is the slope of Theil and Sen, the median of the slopes between all pairs of samples, which
a few outliers do not move, times the time that was looked at. It is looked at in the life of the
last process, without its first quarter, in which caches and heaps fill. Beside it stands by how
much a later process differs from an earlier one, the median over all pairs, of each life for as
long as the shortest one lasted. Only samples under the same set of rules are compared, to and fro
between which the reloads go. Counts may not grow at all; memory by as much as ALLOWED says, since a
heap breathes.
"""
import itertools
import json
import os
import random
import statistics
import sys

# KiB or counts that may come in the time that is looked at; others nothing. What is resident of a
# heap comes and goes by a megabyte as its top is trimmed, while what it has mapped stands still.
# Between processes more may differ: one that has been passed sockets and one that was told to open
# them have not the same number of descriptors.
ALLOWED = {"rss": 1024, "anon": 1024, "data": 256, "manager_rss": 256, "tables": 16}
BETWEEN = ALLOWED | {"data": 1024, "fds": 2, "child_fds": 2, "maps": 4}
# Where it is counted what is allocated, no more than a client takes that is served just then. The
# heap that is used so fast breathes more.
COUNTED = ALLOWED | {"blocks": 8, "bytes": 1024, "heap": 2048, "rss": 4096, "anon": 4096}
# What tells which line it is, what others on the machine change, and what waits in sockets.
UNJUDGED = ("seconds", "pid", "rules", "free_huge", "socket_pages", "heap_free")
PAIRS_MAX = 200000
wrong = []


def check(fact, text):
    if not fact:
        wrong.append(text)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def read_samples(path):
    with open(path, encoding="utf-8") as file:
        names, *rows = [line.rstrip("\n").split("\t") for line in file]
    return [dict(zip(names, map(float, row))) for row in rows if len(row) == len(names)]


def pairs_of(points):
    """All pairs (earlier, later) of points (x, y, kind) of one kind; of many some, which are drawn
    the same way each time."""
    kinds = {}
    for x, y, kind in points:
        kinds.setdefault(kind, []).append((x, y))
    pairs = [(a, b) for same in kinds.values() for a, b in itertools.combinations(same, 2)
             if a[0] != b[0]]
    return pairs if len(pairs) <= PAIRS_MAX else random.Random(1).sample(pairs, PAIRS_MAX)


def slope(points):
    return median_of((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs_of(points))


def later_by(points):
    return median_of(b[1] - a[1] for a, b in pairs_of(points))


def median_of(values):
    values = list(values)
    return statistics.median(values) if values else 0.0


def medians_by_life(lives, name):
    points, age = [], min(map(len, lives))
    for number, life in enumerate(lives):
        for kind in {row["rules"] for row in life}:
            values = [row[name] for row in life[age // 4:age] if row["rules"] == kind]
            if values:
                points.append((number, statistics.median(values), kind))
    return points


def judge_growth(samples):
    lives = []
    for row in samples:
        if not lives or lives[-1][-1]["pid"] != row["pid"]:
            lives.append([])
        lives[-1].append(row)
    last = lives[-1][len(lives[-1]) // 4:]
    span = last[-1]["seconds"] - last[0]["seconds"]
    print(f"{len(samples)} samples of {len(lives)} processes; the last one is looked at for "
          f"{span:.0f} s")
    print(f"{'':14} {'median':>10} {'least':>10} {'most':>10} {'growth':>8} {'an hour':>8} "
          f"{'by process':>10}")
    for name in samples[0]:
        if name in UNJUDGED:
            continue
        values = [row[name] for row in last]
        rate = slope([(row["seconds"], row[name], row["rules"]) for row in last])
        by_life = later_by(medians_by_life(lives, name))
        print(f"{name:14} {statistics.median(values):10.0f} {min(values):10.0f} "
              f"{max(values):10.0f} {rate * span:8.1f} {rate * 3600:8.1f} {by_life:10.1f}")
        allowed = (COUNTED if "blocks" in samples[0] else ALLOWED).get(name, 0)
        check(rate * span <= allowed, f"{name} grew by {rate * span:.1f} in {span:.0f} s")
        check(by_life <= BETWEEN.get(name, 0),
              f"{name} is more by {by_life:.1f} in a later process")


def judge_traffic(folder):
    """What is lost is wrong whatever the cause, and what the sockets had no room for is named: then
    the machine was too busy for this rate."""
    reports = [load(os.path.join(folder, name)) for name in os.listdir(folder)
               if name.startswith("report.") and name.endswith(".json")]
    dropped = sum(rule["kernel_drops"] for report in reports for rule in report["rules"])
    check(dropped == 0, f"{dropped} found no room in the relay's sockets")
    sink = load(os.path.join(folder, "sink.json"))
    sent = {}
    for name in os.listdir(folder):
        if name.startswith("sent."):
            told = load(os.path.join(folder, name))
            sent[told["session"]] = (name.split(".")[1], told["sent"])
    for name in ("lost", "duplicated", "reordered", "corrupt", "cut", "foreign", "untracked",
                 "socket_drops"):
        count = sink["total"][name]
        check(count == 0, f"{count} {name}")
    got = {}
    for flow in sink["flows"]:
        key = (flow["session"], flow["target"])
        got[key] = got.get(key, 0) + flow["unique"]
    for (session, target), count in sorted(got.items(), key=lambda item: item[0][1]):
        rule, wanted = sent.get(session, ("nobody", 0))
        print(f"{rule}: {wanted} sent, {count} arrived at {target}")
        check(count == wanted, f"{rule}: {count} of {wanted} arrived at {target}")
    check(len(got) == 10, f"{len(got)} pairs of a sender and an output were heard")


def main(folder):
    with open(os.path.join(folder, "events"), encoding="utf-8") as file:
        events = [" ".join(line.split()[1:]) for line in file]
    print("events: " + ", ".join(f"{events.count(what)} {what}" for what in sorted(set(events))))
    check(not any("no answer" in what for what in events), "somebody was not answered")
    judge_growth(read_samples(os.path.join(folder, "samples.tsv")))
    judge_traffic(folder)
    for line in wrong:
        print(f"judge: {line}")
    print(f"judge: {len(wrong)} wrong" if wrong else "judge: nothing grew, nothing was lost")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
