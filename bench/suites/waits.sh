# waits.sh - single datagrams by rate: what each way to wait costs, and whether --latency chooses
# as well as who knows the rate.
#
# True singles: each is one send of the sender's and one frame on the wire; saturated means more of
# them, written as frames, than the relay takes. `cpu' is measured without a receiver, `latency'
# with one, which shares the sender's processor. Ratios and differences are taken within each run:
# of --latency to the cheapest of the fixed ways in that run, and to the default. waits_mmsg does
# the same by the other engine.
# shellcheck shell=bash disable=SC2034,SC2154

waits_budget=100
waits_ways=(sleep "batch 50:--batch-wait 50" "batch 100:--batch-wait 100" "spin 50:--spin 50"
    "latency $waits_budget:--latency $waits_budget")

waits_suite() {
    waits_by uring
}

# waits_by ENGINE: the files are the suite's.
waits_by() {
    local run rate rates=(10000 50000 150000 300000) engine=$1
    raw=$out/$suite-raw.csv
    echo "$raw_columns" >"$raw"
    ! $quick || rates=(50000 150000)
    for ((run = 1; run <= runs; run++)); do
        for rate in "${rates[@]}"; do
            waits_measure cpu "$rate" receiver=none "rate=$rate"
        done
        waits_measure cpu saturated receiver=none frames=on
        for rate in 10000 50000 150000; do
            waits_measure latency "$rate" "rate=$rate"
        done
    done
    summarise "$raw" >"$out/$suite.csv"
    show "$out/$suite.csv" cpu cpu_ns "ns of the relay's CPU for each single datagram, by rate"
    show "$out/$suite.csv" latency p50_us "us from send to receive, median, by rate"
    show "$out/$suite.csv" latency p99_us "... and of the slowest in a hundred"
    waits_ratios
}

# waits_measure TABLE PARAM [NAME=VALUE]...: every way in turn.
waits_measure() {
    local table=$1 param=$2 way
    shift 2
    for way in "${waits_ways[@]}"; do
        load_set size=200 "$@"
        measure "$table" "${way%%:*}" "$param" "$run" "$engine${way#"${way%%:*}"}"
    done
}

# waits_ratios: --latency against the best fixed way and the default, medians of each run's ratio
# and difference.
waits_ratios() {
    printf '\n%s\n' "--latency $waits_budget against other ways: medians of $runs runs"
    "$here/waits.py" "$raw" "latency $waits_budget" sleep
}
