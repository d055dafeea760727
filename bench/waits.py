#!/usr/bin/env python3
"""waits.py RAW CASE DEFAULT: what a case that adapts costs, by the fixed cases of the same runs.

For every rate: the CPU of CASE by that of the cheapest of the other cases at that rate, which is
the one whose median over the runs is least, and by that of DEFAULT; then how much more latency it
has than DEFAULT, median and slowest in a hundred. Ratios and differences are taken within each run,
and their medians are printed. See suites/waits.sh.
"""

import sys

from figures import Missing, Results, median


def main(path, case, default):
    """Prints the tables."""
    raw = Results(path, ["table", "case", "param", "run"])
    print(f"{'rate':>10}  {'of the best fixed':>18}  {'(which)':<12}  of the default")
    for rate, runs in by_rate(raw, "cpu", "cpu"):
        fixed = [name for name in runs[0] if name != case]
        best = min(fixed, key=lambda name, runs=runs: median(cost[name] for cost in runs))
        of_best, of_default = (median(cost[case] / cost[other] for cost in runs)
                               for other in (best, default))
        print(f"{rate:>10}  {of_best:18.2f}  {best:<12}  {of_default:.2f}")
    print(f"{'rate':>10}  {'p50: us more than the default':>30}  {'p99':>8}")
    for (rate, middles), (_, slowest) in zip(by_rate(raw, "latency", "p50"),
                                             by_rate(raw, "latency", "p99")):
        more = [median(us[case] - us[default] for us in runs) for runs in (middles, slowest)]
        print(f"{rate:>10}  {more[0]:30.0f}  {more[1]:8.0f}")


def by_rate(raw, table, figure):
    """For each rate of a table a dictionary of each run: the figure by case."""
    lines = raw.select(table=table)
    for rate in dict.fromkeys(line["param"] for line in lines):
        yield rate, [{line["case"]: raw.value(line, figure) for line in lines
                      if (line["param"], line["run"]) == (rate, run)}
                     for run in sorted({line["run"] for line in lines})]


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Missing, KeyError, ValueError) as what:
        sys.exit(f"waits.py: {what}")
