#!/usr/bin/env python3
"""Judges a run of chaos by what senders, receivers and reports tell: judge.py DIRECTORY

Always      nothing is doubled, out of order, hurt or invented, at any receiver. What is sent when
            all is mended arrives at every receiver.
orderly     each process has left a report, so all adds up, rule by rule and output by output:
            sent = received + kernel_drops; received = relayed + drops; relayed = offered = sent by
            the output + its drops; and that is what arrived. Nothing is lost where nothing was
            wrong, and elsewhere by the causes that were made.
cut, kill   the same, but for what a rule's counters cannot tell: those of flows that were removed
            and added anew, and of processes that were killed. So the rules that come by a sound
            link lose nothing at the outputs on the sound one, over any cut and any kill.
bare        nobody keeps anything for who is killed: what came while nobody was there is lost.

The link that goes down behind an output loses what the kernel has taken until the relay hears of
it, and counts it at the interface; so does the wire before an ingress. These are compared with the
kernel's counters of the interfaces, as a bound, since those count other packets, too.
"""
import collections
import glob
import json
import os
import re
import sys

SOUND_RULES = ("a", "b", "c", "u", "f")
TRAINS = {"c": 8}  # datagrams that the kernel may count as one drop
CAUSES = {1: (), 4: ("too_big",), 3: ("qdisc", "egress_full"),
          2: ("link_down", "qdisc", "unreachable", "egress_full", "pending")}
wrong = []


def check(fact, text):
    if not fact:
        wrong.append(text)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


class Run:
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "events"), encoding="utf-8") as file:
            self.mode = file.readline().split()[2]
        with open(os.path.join(folder, "calm", "numbers"), encoding="utf-8") as file:
            self.calm = set(file.read().split())
        self.sent = {}  # (rule, session) -> (datagrams, whether all was mended)
        for path in glob.glob(os.path.join(folder, "sent", "*.json")):
            rule, number, _ = os.path.basename(path).split(".")
            told = load(path)
            check(told["error"] == "" and told["short"] == 0, f"{path}: {told['error']}")
            self.sent[rule, told["session"]] = (told["sent"], number in self.calm)
        self.rules = {}    # name -> sums of its reports
        self.outputs = {}  # (rule, link, target) -> sums of its reports
        self.reports = sorted(glob.glob(os.path.join(folder, "report", "*.json")))
        for path in self.reports:
            self.add(load(path))
        self.sinks = {}  # (link, target, session) -> what arrived
        for link in (1, 2, 3, 4):
            self.take(link, load(os.path.join(folder, "sink", f"{link}.json")))

    def add(self, report):
        """What one process tells of the rules that are always there."""
        for rule in report["rules"]:
            if rule["rule"] not in SOUND_RULES + ("w",):
                continue
            sums = self.rules.setdefault(rule["rule"], collections.Counter())
            for name in ("received", "relayed", "kernel_drops"):
                sums[name] += rule[name]
            sums.update({"drop " + name: n for name, n in rule["drops"].items() if n})
            for output in [out for flow in rule["flows"] for out in flow["outputs"]]:
                sums = self.outputs.setdefault((rule["rule"], *place(output["to"])),
                                               collections.Counter())
                sums["offered"] += output["offered"]
                sums["sent"] += output["sent"]
                sums.update({name: n for name, n in output["drops"].items() if n})

    def take(self, link, sink):
        known = {session for _, session in self.sent}
        total = sink["total"]
        check(total["socket_drops"] == 0, f"receiver {link} was too slow: {sink['socket_drops']}")
        for name in ("duplicated", "reordered", "corrupt", "cut", "foreign", "untracked", "short"):
            check(total[name] == 0, f"receiver {link}: {total[name]} {name}")
        for flow in sink["flows"]:
            check(flow["session"] in known, f"receiver {link}: nobody sent {flow['session']}")
            self.sinks[link, flow["target"], flow["session"]] = flow["unique"]

    def judge(self):
        for rule, link, target in self.outputs:
            for (name, session), (sent, calm) in self.sent.items():
                if name == rule:
                    got = self.sinks.get((link, target, session), 0)
                    self.judge_session(rule, link, sent, got, calm)
            self.judge_output(rule, link, target)
        for rule, sums in self.rules.items():
            if self.mode == "orderly":
                self.judge_rule(rule, sums)
        check(set(self.rules) == set(SOUND_RULES + ("w",)), f"rules: {sorted(self.rules)}")
        check(len(self.outputs) == 11, f"outputs: {sorted(self.outputs)}")

    def judge_session(self, rule, link, sent, got, calm):
        at = f"{rule} behind out{link}{', when all was mended' if calm else ''}"
        check(got <= sent, f"{at}: {got} arrived of {sent}")
        whole = self.mode != "bare" and rule in SOUND_RULES and link == 1
        if whole and self.mode == "orderly" and not calm:
            kernel = self.rules[rule]["kernel_drops"]
            whole = kernel == 0  # else judge_rule tells how many
        check(got == sent or not (whole or calm), f"{at}: {got} arrived of {sent}")

    def judge_output(self, rule, link, target):
        """One output with all that it was offered by all processes."""
        at, sums = f"{rule} -> {target} behind out{link}", self.outputs[rule, link, target]
        sent = sum(n for (name, _), (n, _) in self.sent.items() if name == rule)
        got = sum(self.sinks.get((link, target, session), 0)
                  for name, session in self.sent if name == rule)
        drops = {name: n for name, n in sums.items() if name not in ("offered", "sent")}
        check(set(drops) <= set(CAUSES[link]), f"{at}: drops {drops}")
        check(sums["offered"] == sums["sent"] + sum(drops.values()), f"{at}: {dict(sums)}")
        check(got + sum(drops.values()) <= sent, f"{at}: {got} arrived, {drops}, of {sent}")
        if self.mode == "orderly":
            lost = sums["sent"] - got
            most = self.wire("out2") if link == 2 else 0
            check(0 <= lost <= most, f"{at}: {sums['sent']} were taken by the kernel, {got} arrived"
                  f", and {most} were dropped at the interface")
            check(sums["offered"] == self.rules[rule]["relayed"], f"{at}: {dict(sums)}")

    def judge_rule(self, rule, sums):
        sent = sum(n for (name, _), (n, _) in self.sent.items() if name == rule)
        kernel, received = sums["kernel_drops"], sums["received"]
        most = self.wire("in9") if rule == "w" else 0
        missing = sent - received - kernel
        check(0 <= missing <= kernel * (TRAINS.get(rule, 1) - 1) + most,
              f"{rule}: {sent} were sent, {received} received, {kernel} dropped at the socket, "
              f"{most} on the wire")
        check(received == sums["relayed"], f"{rule}: {dict(sums)}")

    def wire(self, name):
        """Dropped at both ends of a wire while this ran."""
        counts = []
        for file in ("wire", "wire.before"):
            with open(os.path.join(self.folder, file), encoding="utf-8") as lines:
                counts += [sum(map(int, line.split()[1:])) for line in lines
                           if line.startswith(name + " ")]
        return counts[0] - counts[1]

    def tell(self):
        for rule in sorted(self.rules):
            sent = sum(n for (name, _), (n, _) in self.sent.items() if name == rule)
            print(f"{rule}: {sent} sent, {dict(self.rules[rule])}")
        for key in sorted(self.outputs):
            rule, link, target = key
            got = sum(self.sinks.get((link, target, session), 0)
                      for name, session in self.sent if name == rule)
            print(f"{rule} -> {target} behind out{link}: {got} arrived, {dict(self.outputs[key])}")


def place(to):
    """The number of the link of an output, and the receiver's name for it."""
    found = re.match(r"^(.*)%out(\d)(.*)$", to)
    return int(found[2]), f"{found[1]}%d0{found[3]}"


def main(folder):
    run = Run(folder)
    run.judge()
    run.tell()
    for line in wrong:
        print(f"judge: {line}")
    print(f"judge: {run.mode}, {len(run.sent)} senders, {len(run.reports)} reports: "
          + (f"{len(wrong)} wrong" if wrong else "nothing wrong"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
