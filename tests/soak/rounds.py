#!/usr/bin/env python3
"""Changes rules as fast as it is answered: rounds.py WORK MANAGER PAGE ROUNDS DIR

A round goes once through the sets of rules WORK/numacastd.conf.0, .1 ..., and back to the first:
a reload each, behind each a look as Prometheus, a browser and an operator would (PAGE is the
metrics' host and port, WORK/control the socket), and after every fifth one a rebalance. After each
round DIR/samples.tsv gets a line, as sample.py has them, always under the same rules, with what
malloc_live.c counts in WORK/live beside it: blocks, and KiB of these, of what the heaps have, and
of what is free in them. Runs in the relay's namespace.
"""
import glob
import json
import mmap
import shutil
import socket
import struct
import sys
import time
import urllib.error
import urllib.request

import sample

COLUMNS = sample.COLUMNS + ("blocks", "bytes", "heap", "heap_free")
PATHS = ("metrics", "healthz", "status.json", "plan.svg")
REBALANCE_EVERY = 5
PATIENCE_S = 60


class Rounds:
    def __init__(self, work, page, folder):
        self.work, self.page = work, page
        self.sets = len(glob.glob(f"{work}/numacastd.conf.[0-9]*"))
        self.began = time.monotonic()
        with open(f"{work}/live", "r+b") as file:
            self.live = mmap.mmap(file.fileno(), 5 * 8)
        self.events = open(f"{folder}/events", "a", encoding="utf-8", buffering=1)
        self.samples = open(f"{folder}/samples.tsv", "w", encoding="utf-8", buffering=1)
        print(*COLUMNS, sep="\t", file=self.samples)

    def note(self, what):
        print(int(time.monotonic() - self.began), what, file=self.events)

    def ask(self, command, **members):
        """One request by a connection of its own, as numacastctl has it; its answer."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE_S)
            sock.connect(f"{self.work}/control")
            sock.sendall(json.dumps({"version": 1, "command": command} | members).encode() + b"\n")
            with sock.makefile() as lines:
                return json.loads(lines.readline())

    def change(self, command, **members):
        """The same for what waits its turn: refused while another change is under way."""
        for _ in range(PATIENCE_S * 100):
            answer = self.ask(command, **members)
            if answer["ok"]:
                self.note(command)
                return
            time.sleep(0.01)
        self.note(f"no answer to {command} but {answer}")

    def look(self):
        for path in PATHS:
            try:
                page = f"http://{self.page}/{path}"
                with urllib.request.urlopen(page, timeout=PATIENCE_S) as answer:
                    answer.read()
            except urllib.error.HTTPError:
                pass  # who is not well says so by the status
        self.ask("show", what="flows")
        self.ask("health")

    def heaps(self):
        """What malloc_live.c has counted, once it has looked."""
        self.live[0:8] = struct.pack("q", 1)
        while struct.unpack("q", self.live[0:8])[0] == 1:
            self.ask("version")
        words = struct.unpack("5q", self.live)
        return dict(blocks=words[1], bytes=words[2] / 1024, heap=words[3] // 1024,
                    heap_free=words[4] // 1024)

    def take(self, manager):
        row = sample.sample(f"{self.work}/store", manager) | self.heaps()
        row["seconds"] = round(time.monotonic() - self.began, 1)
        print(*(row[name] for name in COLUMNS), sep="\t", file=self.samples)

    def round(self):
        for variant in [*range(1, self.sets), 0]:
            shutil.copy(f"{self.work}/numacastd.conf.{variant}", f"{self.work}/numacastd.conf")
            self.change("reload")
            self.look()
            if variant % REBALANCE_EVERY == 0:
                self.change("rebalance", window_s=0.1)


def main(work, manager, page, rounds, folder):
    changes = Rounds(work, page, folder)
    for _ in range(int(rounds)):
        changes.round()
        changes.take(int(manager))


main(*sys.argv[1:])
