# sandbox.sh - what it costs that each thread may make only its system calls, and each ring take
# only its requests: the relay's CPU with --sandbox on, which is the default, and off.
#
# Both sides of a comparison have the same load, one after the other and the other way around in the
# next run; ratios and differences are taken within each run. At 10000 singles a second about every
# datagram has a turn of its own, which is two system calls, so that the difference there is the
# price of a turn.
# shellcheck shell=bash disable=SC2034,SC2154

sandbox_suite() {
    local run engine
    raw=$out/sandbox-raw.csv
    echo "$raw_columns" >"$raw"
    for ((run = 1; run <= runs; run++)); do
        for engine in uring mmsg; do
            sandbox_measure "$engine singles, 10000/s" rate=10000
            sandbox_measure "$engine singles, 50000/s" rate=50000
            sandbox_measure "$engine trains, 300000/s" rate=300000 gso=40
        done
    done
    sandbox_show
}

# sandbox_measure TABLE NAME=VALUE...: on and off, of which each is first in every other run. A
# table has no comma in the file.
sandbox_measure() {
    local table=${1//,/} case cases=(on off)
    shift
    ((run % 2)) || cases=(off on)
    load_set size=200 receiver=none "$@"
    for case in "${cases[@]}"; do
        measure "$table" "$case" "$run" "$run" "$engine:--sandbox $case"
    done
}

# sandbox_show: medians of each run's CPU and system calls for a datagram, and of the ratio and
# difference of its CPU.
sandbox_show() {
    printf '\n%-26s %12s %12s %12s %12s %14s\n' "ns of CPU a datagram" "sandbox off" "on" \
        "on / off" "on - off" "system calls"
    awk -F, "$awk_median"'
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["received"] > 0 { ns[$1, $4, $2] = $at["relay_ns"] / $at["received"]
            calls[$1, $4] = $at["syscalls"] / $at["received"]
            if (!($1 in runs)) tables[++count] = $1
            if (!(($1, $4) in seen)) runs[$1] = runs[$1] " " $4
            seen[$1, $4] = 1 }
        END {
            for (t = 1; t <= count; t++) {
                offs = ons = ratios = more = asked = ""
                n = split(runs[tables[t]], list, " ")
                for (r = 1; r <= n; r++) {
                    off = ns[tables[t], list[r], "off"]
                    on = ns[tables[t], list[r], "on"]
                    if (off > 0 && on > 0) {
                        offs = offs " " off
                        ons = ons " " on
                        ratios = ratios " " on / off
                        more = more " " on - off
                        asked = asked " " calls[tables[t], list[r]]
                    }
                }
                printf "%-26s %12.0f %12.0f %12.3f %12.0f %14.3f\n", tables[t], median(offs),
                    median(ons), median(ratios), median(more), median(asked)
            }
        }' "$raw"
}
