"""traces.py - what a relay has of the kernel, and what it leaves behind, for the fault sweep."""
import collections
import glob
import os
import re
import time

PATIENCE_S = 10
ORDERED = ("report", "health")  # files that a relay is told to leave


def of_namespace(work, more):
    """Sockets, memberships and files in `work' that could be a relay's, and what more() lists."""
    found = set(more())
    for name in ("udp", "udp6", "raw", "raw6", "igmp", "igmp6", "mcfilter", "mcfilter6", "unix",
                 "packet", "netlink"):
        with open(f"/proc/self/net/{name}", encoding="ascii") as file:
            found |= {(name, *lasting(name, line.split())) for line in file}
    return found | {("file", name) for name in os.listdir(work) if name not in ORDERED}


def lasting(name, words):
    """What stays the same while nothing happens."""
    if name in ("udp", "udp6", "raw", "raw6", "netlink"):
        return words[1:3]
    if name == "unix":
        return words[3:4] + words[7:]
    if name == "packet":
        return words[2:]
    if name == "igmp":
        return words[:2]
    return words


def left_behind(before, work, more):
    """The kernel lets go of a ring and its sockets a moment after its process."""
    end = time.monotonic() + PATIENCE_S
    while True:
        left = of_namespace(work, more) - before
        if not left or time.monotonic() > end:
            return sorted(left)
        time.sleep(0.01)


def of_process(pid):
    """Its descriptors, by what they are; its threads; its mappings but for the C library's memory,
    which grows as it likes; and the memberships of the namespace."""
    held = collections.Counter()
    for path in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            held["fd " + re.sub(r"\d+", "N", os.readlink(path))] += 1
        except FileNotFoundError:
            pass
    if not os.path.exists(f"/proc/{pid}/task"):
        return held
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        for line in file:
            words = line.split()
            size = -int.__sub__(*(int(word, 16) for word in words[0].split("-")))
            if len(words) > 5 and words[5] != "[heap]":
                held[f"map {words[5]} {size}"] += 1
            elif len(words) <= 5 and size >= 4 << 20 and words[1] != "---p":
                held[f"map of {size >> 20} MiB"] += 1
    held["threads"] = len(os.listdir(f"/proc/{pid}/task"))
    held.update(of_groups())
    return held


def of_groups():
    """The memberships of the namespace."""
    held = collections.Counter()
    for name in ("igmp", "igmp6", "mcfilter", "mcfilter6"):
        with open(f"/proc/self/net/{name}", encoding="ascii") as file:
            for line in file:
                held[" ".join((name, *lasting(name, line.split())))] += 1
    return held


def settled(pid):
    """The same, once two looks see the same: what threads have for a moment is left out."""
    was, now = None, of_process(pid)
    while was != now:
        time.sleep(0.01)
        was, now = now, of_process(pid)
    return now


def difference(before, after):
    """What came and what went, as text; "" for none."""
    return ", ".join([f"+{count} {what}" for what, count in (after - before).items()]
                     + [f"-{count} {what}" for what, count in (before - after).items()])
