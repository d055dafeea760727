#!/usr/bin/env python3
"""Checks that the sums of a numacastd exit report agree; prints each identity that does not.

per flow      received = relayed + its drops
per output    offered = relayed of its flow since it came, and of legs of it that have left,
              offered = sent + its drops
per merge     relayed = what its legs relayed, and those that have left, numbers = delivered +
              lost_all, delivered = shared + only_left + the only of its legs
per leg       numbers of the merge = seen + lost + before
per rule      each number is the sum over its flows
per pool      free + in_ring + held = slots, taken = returned + held + in_ring; the daemon has
              counted those in ring and held slot by slot; none held, none leaked
totals        each number is the sum over the rules, and over what has gone
"""
import json
import sys

wrong = []


def same(where, what, left, right):
    if left != right:
        wrong.append(f"{where}: {what}: {left} is not {right}")


def added(dicts):
    total = {}
    for each in dicts:
        for name, value in each.items():
            total[name] = total.get(name, 0) + value
    return total


def nonzero(drops):
    return {name: value for name, value in drops.items() if value}


def check_output(where, flow, output):
    where = f"{where} -> {output['to']}"
    same(where, "offered is what its flow relayed since it came",
         output["offered"] + output["relayed_before"],
         flow["merge"]["relayed"] if "merge" in flow
         else flow["relayed"] + flow["relayed_others"])
    same(where, "offered = sent + drops", output["offered"],
         output["sent"] + sum(output["drops"].values()))
    if output["sent"] == 0:
        same(where, "nothing sent has no bytes", output["sent_bytes"], 0)


def check_flow(flow):
    where = f"flow {flow['ingress']} on shard {flow['shard']}"
    same(where, "received = relayed + drops", flow["received"],
         flow["relayed"] + sum(flow["drops"].values()))
    for output in flow["outputs"]:
        check_output(where, flow, output)


def check_merge(where, rule):
    """Sums over the feeds of a rule; so all laws that hold for each must hold for these."""
    merge, legs = rule["merge"], rule["merge"]["legs"]
    same(where, "merged: relayed", merge["relayed"],
         sum(leg["relayed"] + leg["relayed_others"] for leg in legs))
    same(where, "merged: numbers", merge["numbers"], merge["delivered"] + merge["lost_all"])
    same(where, "merged: delivered", merge["delivered"],
         merge["shared"] + merge["only_left"] + sum(leg["only"] for leg in legs))
    for leg in legs:
        at = f"{where} leg {leg['ingress']}"
        same(at, "numbers", merge["numbers"], leg["seen"] + leg["lost"] + leg["before"])
        if len(legs) > 1:
            same(at, "repeats", leg["repeats"], leg["repeated"])
            same(at, "behind", leg["behind"], leg["late"])
            same(at, "unnumbered", leg["unnumbered"], leg["no_number"])


def check_rule(rule):
    where = f"rule {rule['rule']}"
    for key in ("received", "received_bytes", "relayed", "kernel_drops"):
        same(where, key, rule[key], sum(flow[key] for flow in rule["flows"]))
    same(where, "drops", nonzero(rule["drops"]),
         nonzero(added(flow["drops"] for flow in rule["flows"])))
    for flow in rule["flows"]:
        check_flow(flow)
    if "merge" in rule:
        check_merge(where, rule)


def check_pool(shard, name, pool):
    where = f"shard {shard['shard']} pool {name}"
    same(where, "free + in_ring + held = slots",
         pool["free"] + pool["in_ring"] + pool["held"], pool["slots"])
    same(where, "taken = returned + held + in_ring", pool["taken"],
         pool["returned"] + pool["held"] + pool["in_ring"])
    same(where, "held at exit", pool["held"], 0)
    same(where, "leaked", pool["leaked"], 0)


def check_totals(report):
    totals = report["totals"]
    flows = [flow for rule in report["rules"] for flow in rule["flows"]]
    outputs = [output for flow in flows for output in flow["outputs"]]
    gone = report["gone"]
    for key in ("received", "relayed"):
        same("totals", key, totals[key],
             gone["flows"][key] + sum(rule[key] for rule in report["rules"]))
    for key in ("offered", "sent"):
        same("totals", key, totals[key],
             gone["outputs"][key] + sum(output[key] for output in outputs))
    same("totals", "drops", nonzero(totals["drops"]),
         nonzero(added([flow["drops"] for flow in flows]
                       + [output["drops"] for output in outputs]
                       + [gone["flows"]["drops"], gone["outputs"]["drops"]])))


def check_gone(gone):
    flows, outputs = gone["flows"], gone["outputs"]
    same("gone", "received = relayed + drops", flows["received"],
         flows["relayed"] + sum(flows["drops"].values()))
    same("gone", "offered = sent + drops", outputs["offered"],
         outputs["sent"] + sum(outputs["drops"].values()))


def main(path):
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    except (OSError, ValueError) as error:
        print(f"{path}: {error}")
        return 1
    for rule in report["rules"]:
        check_rule(rule)
    for shard in report["shards"]:
        for name, pool in shard["pool"].items():
            check_pool(shard, name, pool)
    check_gone(report["gone"])
    check_totals(report)
    same("report", "consistent", report["consistent"], True)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
