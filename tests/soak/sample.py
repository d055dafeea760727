#!/usr/bin/env python3
"""Samples what a process may have too much of, a line each: sample.py STORE MANAGER FILE SECONDS

The process is the one that STORE/pid names, as tests/net/lib/store.py writes it, and STORE/rules
tells which of its sets of rules it has; MANAGER is the manager's own. Runs in the relay's
namespace, until SIGTERM. KiB, or counts; beside the process itself, its finisher, who shares its
memory and is told by descriptors only, the sockets that the manager keeps, and the namespace: UDP
sockets, the pages that they hold, and groups that are joined.
"""
import os
import sys
import time

COLUMNS = ("seconds", "pid", "rules", "rss", "anon", "data", "locked", "pinned", "hugetlb",
           "tables", "maps", "fds", "threads", "children", "child_fds", "kept", "manager_fds",
           "manager_rss", "sockets", "socket_pages", "groups", "free_huge")
STATUS = {"VmRSS": "rss", "RssAnon": "anon", "VmData": "data", "VmLck": "locked",
          "VmPin": "pinned", "HugetlbPages": "hugetlb", "VmPTE": "tables", "Threads": "threads"}


def lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def status(pid):
    found = dict(line.split(":", 1) for line in lines(f"/proc/{pid}/status") if ":" in line)
    return {name: int(found[key].split()[0]) for key, name in STATUS.items() if key in found}


def children(pid):
    return [int(child) for task in os.listdir(f"/proc/{pid}/task")
            for child in " ".join(lines(f"/proc/{pid}/task/{task}/children")).split()]


def fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def sample(store, manager):
    pid = int(lines(os.path.join(store, "pid"))[0])
    row = status(pid)
    born = children(pid)
    udp = dict(zip(*[iter(next(line for line in lines("/proc/net/sockstat")
                               if line.startswith("UDP:")).split()[1:])] * 2))
    row.update(
        pid=pid, rules=int(lines(os.path.join(store, "rules"))[0]), fds=fds(pid),
        maps=len(lines(f"/proc/{pid}/maps")), children=len(born),
        child_fds=sum(map(fds, born)), kept=len(lines(os.path.join(store, "kept"))),
        manager_fds=fds(manager), manager_rss=status(manager)["rss"],
        sockets=int(udp["inuse"]), socket_pages=int(udp["mem"]),
        groups=len(lines("/proc/net/igmp")) + len(lines("/proc/net/igmp6")),
        free_huge=next(int(line.split()[1]) for line in lines("/proc/meminfo")
                       if line.startswith("HugePages_Free")))
    return row


def main(store, manager, path, interval):
    began = time.monotonic()
    with open(path, "w", encoding="utf-8", buffering=1) as out:
        print(*COLUMNS, sep="\t", file=out)
        while True:
            try:
                row = sample(store, int(manager))
                row["seconds"] = round(time.monotonic() - began, 1)
                print(*(row[name] for name in COLUMNS), sep="\t", file=out)
            except (OSError, KeyError, IndexError):
                pass  # it ends while we look
            time.sleep(float(interval))


if __name__ == "__main__":
    main(*sys.argv[1:])
