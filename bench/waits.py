#!/usr/bin/env python3
"""waits.py RAW CASE DEFAULT: what a case that adapts costs, by the fixed cases of the same runs.

For every rate: the CPU of CASE by that of the cheapest of the other cases in each run, and by that
of DEFAULT; the medians of the runs' ratios are printed. See suites/waits.sh.
"""

import sys

from figures import Missing, Results, median


def main(path, case, default):
    """Prints the table."""
    raw = Results(path, ["table", "case", "param", "run"])
    lines = raw.select(table="cpu")
    print(f"{'rate':>10}  {'of the best fixed':>18}  {'(which)':<12}  of the default")
    for rate in dict.fromkeys(line["param"] for line in lines):
        of_best, of_default, bests = [], [], []
        for run in sorted({line["run"] for line in lines}):
            costs = {line["case"]: raw.value(line, "cpu") for line in lines
                     if (line["param"], line["run"]) == (rate, run)}
            fixed = {name: cost for name, cost in costs.items() if name != case and cost > 0}
            best = min(fixed, key=fixed.get)
            bests.append(best)
            of_best.append(costs[case] / fixed[best])
            of_default.append(costs[case] / fixed[default])
        which = max(set(bests), key=bests.count)
        print(f"{rate:>10}  {median(of_best):18.2f}  {which:<12}  {median(of_default):.2f}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Missing, KeyError, ValueError) as what:
        sys.exit(f"waits.py: {what}")
