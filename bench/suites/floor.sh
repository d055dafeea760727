# floor.sh - how far numacastd is from the least that sockets can do: bench/floor_relay, a loop of
# recvmmsg and sendmmsg, is measured in turn with it, and each case's CPU is told as a ratio to the
# loop's in the same run.
#
# The sender writes frames (singles.sh), more than any relay here takes, so that each turn of all of
# them is full. Sizes are equal or mixed; nobody receives.
# shellcheck shell=bash disable=SC2034,SC2154

floor_cases=(floor uring "uring:--gro off" mmsg)

floor_suite() {
    local run size case
    raw=$out/floor-raw.csv
    echo "$raw_columns" >"$raw"
    for ((run = 1; run <= runs; run++)); do
        for size in 64-1400 1316 200; do
            for case in "${floor_cases[@]}"; do
                load_set "size=$size" frames=on receiver=none
                measure floor "$case" "$size" "$run" "$case"
            done
        done
    done
    floor_show
}

# floor_show: medians of each case's CPU for a datagram, and of its ratio to the loop's in each run.
floor_show() {
    printf '\n%-10s %-16s %12s %14s\n' size relay "CPU ns each" "of the floor"
    awk -F, "$awk_median"'
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["received"] > 0 { key = $3 SUBSEP $2
            ns[key, $4] = $at["relay_ns"] / $at["received"]
            if (!(key in runs)) keys[++count] = key
            runs[key] = runs[key] " " $4 }
        END {
            for (k = 1; k <= count; k++) {
                split(keys[k], part, SUBSEP)
                all = ratios = ""
                n = split(runs[keys[k]], list, " ")
                for (r = 1; r <= n; r++) {
                    least = ns[part[1], "floor", list[r]]
                    all = all " " ns[keys[k], list[r]]
                    if (least > 0) ratios = ratios " " ns[keys[k], list[r]] / least
                }
                printf "%-10s %-16s %12.0f %14.3f\n", part[1], part[2], median(all), median(ratios)
            }
        }' "$raw"
}
