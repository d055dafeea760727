# relay.sh - numacastd end to end on one core, against itself and against every peer.
#
# Tables: what each relay does with all that one sender can send, singly and in trains, by size of
# the datagrams; the same with more outputs and with more groups; latency at rates that all or most
# sustain; the highest rate without loss; system calls of those that do not count their own.
# shellcheck shell=bash disable=SC2034,SC2154

own_cases=(uring mmsg uring-singles mmsg-singles)
peer_cases=(socat multicat smcroute)

relay_suite() {
    raw=$out/relay-raw.csv
    echo "$raw_columns" >"$raw"
    ! $quick || own_cases=(uring mmsg-singles)
    relay_sizes
    relay_outputs
    relay_groups
    relay_latency
    relay_lossless
    relay_calls
    summarise "$raw" >"$out/relay.csv"
    relay_show
}

# train_of SIZE: how many datagrams of that size the sender puts into a train: 40 or what fits.
train_of() {
    local fits=$((65000 / $1))
    echo $((fits < 40 ? fits : 40))
}

relay_sizes() {
    local run size case sizes=(64 200 1316 1400 8900 64-1400)
    ! $quick || sizes=(1316)
    for size in "${sizes[@]}"; do
        net_mtu $((${size##*-} > 1472 ? 9000 : 1500))
        for ((run = 1; run <= runs; run++)); do
            for case in "${own_cases[@]}" "${peer_cases[@]}"; do
                load_set "size=$size"
                [[ $size = *-* ]] || load_set "size=$size" "gso=$(train_of "$size")" cut=on
                measure singles "$case" "$size" "$run" "$case"
                [[ $size != *-* ]] || continue
                load_set "size=$size" "gso=$(train_of "$size")"
                measure trains "$case" "$size" "$run" "$case"
            done
        done
    done
    net_mtu 1500
}

relay_outputs() {
    local run outputs case counts=(1 4 16 64)
    ! $quick || counts=(1 16)
    for ((run = 1; run <= runs; run++)); do
        for outputs in "${counts[@]}"; do
            for case in "${own_cases[@]}"; do
                load_set "outputs=$outputs" gso=40 cut=on
                measure outputs-singles "$case" "$outputs" "$run" "$case"
                load_set "outputs=$outputs" gso=40
                measure outputs-trains "$case" "$outputs" "$run" "$case"
            done
        done
    done
}

relay_groups() {
    local run groups case counts=(1 64 1024)
    ! $quick || counts=(1 1024)
    for ((run = 1; run <= runs; run++)); do
        for groups in "${counts[@]}"; do
            for case in "${own_cases[@]}" smcroute; do
                load_set "groups=$groups"
                measure groups-singles "$case" "$groups" "$run" "$case"
                load_set "groups=$groups" gso=40
                measure groups-trains "$case" "$groups" "$run" "$case"
            done
        done
    done
}

relay_latency() {
    local run rate case rates=(1000 10000 50000)
    ! $quick || rates=(50000)
    for ((run = 1; run <= runs; run++)); do
        for rate in "${rates[@]}"; do
            for case in "${own_cases[@]}" "uring:--spin 50" "uring:--batch-wait 50" \
                "${peer_cases[@]}"; do
                load_set "rate=$rate"
                measure latency "$case" "$rate" "$run" "$case"
            done
        done
    done
}

relay_lossless() {
    local run case
    for ((run = 1; run <= (runs + 1) / 2; run++)); do
        for case in "${own_cases[@]}" "${peer_cases[@]}"; do
            load_set
            search lossless "$case" singles "$run" "$case"
            load_set gso=40
            search lossless "$case" trains "$run" "$case"
        done
    done
}

# What does not count its own system calls is run once more under strace, at a rate that it then
# still sustains; a call for every datagram is a call at any rate.
relay_calls() {
    local case calls
    have strace || return 0
    echo "param,calls" >"$out/relay-peer-calls.csv"
    for case in socat multicat; do
        relay_known $case || continue
        load_set rate=2000 seconds=0.5
        strace=(strace -f -c -o "$work/strace.txt")
        if trial "$case"; then
            calls=$(awk '$NF == "total" { print $(NF - 2) ~ /^[0-9]+$/ ? $(NF - 2) : $(NF - 1) }' \
                "$work/strace.txt")
            echo "$case,$(calc "$calls / ${got[received]}")" >>"$out/relay-peer-calls.csv"
        fi
        strace=()
    done
}

relay_show() {
    local input
    for input in singles trains; do
        show "$out/relay.csv" $input rate "$input in, by size: datagrams/s relayed" log
        show "$out/relay.csv" $input loss_pct "$input in, by size: % lost at all one sender sends"
        show "$out/relay.csv" $input cpu_ns "$input in, by size: ns of the relay per datagram" log
        show "$out/relay.csv" $input all_ns \
            "$input in, by size: ns of sender and relay per datagram" log
        show "$out/relay.csv" $input syscalls "$input in, by size: system calls per datagram" log
        show "$out/relay.csv" outputs-$input cpu_ns \
            "$input in, by outputs: ns of the relay per datagram sent" log
        show "$out/relay.csv" outputs-$input rate \
            "$input in, by outputs: datagrams/s, all outputs together" log
        show "$out/relay.csv" groups-$input cpu_ns \
            "$input in, by groups: ns of the relay per datagram" log
        show "$out/relay.csv" groups-$input rate "$input in, by groups: datagrams/s relayed" log
    done
    show "$out/relay.csv" lossless rate "highest rate without loss, 1316 bytes: datagrams/s" log
    if [ -f "$out/relay-peer-calls.csv" ]; then
        printf '\nsystem calls per datagram of the peers, by strace\n'
        print_csv <"$out/relay-peer-calls.csv"
    fi
    show "$out/relay.csv" latency p50_us "latency at a rate (datagrams/s): p50, us" log
    show "$out/relay.csv" latency p99_us "latency at a rate (datagrams/s): p99, us" log
    show "$out/relay.csv" latency p999_us "latency at a rate (datagrams/s): p99.9, us" log
    show "$out/relay.csv" latency cpu_ns "CPU at a rate (datagrams/s): ns of the relay each" log
}
