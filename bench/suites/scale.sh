# scale.sh - planning for large machines, and what a datagram costs with many groups and shards.
#
# More shards than processors share those there are, so their table shows what a shard costs, not
# what it brings.
# shellcheck shell=bash disable=SC2034,SC2154

scale_suite() {
    run_program plan_bench
    plot_columns plan "planning 100 000 flows, by CPUs, nodes and where flows come in: ns a flow" \
        "1 2 5" ns_a_flow
    raw=$out/scale-raw.csv
    echo "$raw_columns" >"$raw"
    scale_measure
    scale_neighbours
    summarise "$raw" >"$out/scale.csv"
    show "$out/scale.csv" groups cpu_ns "CPU by groups: ns of the relay per datagram"
    show "$out/scale.csv" groups loss_pct "... and % lost at the rate offered"
    show "$out/scale.csv" neighbours cpu_ns \
        "CPU by room for neighbours (gc_thresh3), 1024 groups, trains off: ns per datagram"
    show "$out/scale.csv" shards cpu_ns "CPU by shards, 64 groups: ns of the relay per datagram"
    show "$out/scale.csv" shards syscalls "... and system calls per datagram"
}

# What the kernel's table of neighbours does when it is too small for the groups sent to.
scale_neighbours() {
    local run
    for ((run = 1; run <= runs; run++)); do
        neigh_room usual
        neigh_forget
        load_set groups=1024 receiver=none
        measure neighbours uring-singles "${neigh_usual[gc_thresh3]}" "$run" uring-singles
        neigh_room 16384
        neigh_forget
        measure neighbours uring-singles 65536 "$run" uring-singles
    done
}

# At a rate that is sustained, singles and trains of 40.
scale_measure() {
    local run count counts=(1 4 16 64 256 1024 4096) shards=(1 2 4 8)
    ! $quick || counts=(1 64 1024) shards=(1 4)
    for ((run = 1; run <= runs; run++)); do
        for count in "${counts[@]}"; do
            load_set "groups=$count" rate=50000
            measure groups singles "$count" "$run" uring
            load_set "groups=$count" gso=40 rate=400000
            measure groups trains "$count" "$run" uring
        done
        for count in "${shards[@]}"; do
            load_set groups=64 rate=50000
            measure shards singles "$count" "$run" "uring:--shards $count --oversubscribe"
            load_set groups=64 gso=40 rate=400000
            measure shards trains "$count" "$run" "uring:--shards $count --oversubscribe"
        done
    done
}
