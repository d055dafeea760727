# singles.sh - true singles: every datagram one send and one frame, more than any relay here takes.
#
# The sender writes frames through a packet socket, 32 in each system call, past the queueing
# discipline (numacast-probe send --frames). They carry no checksum, so that no device coalesces
# them. Sizes are equal or mixed; the latter no relay can gather into long trains, since a train
# holds equal ones and ends with the first that is shorter. Nobody receives: what arrives at the far
# end is counted by its device.
# shellcheck shell=bash disable=SC2034,SC2154

singles_ours=(uring "uring:--latency 100" "uring:--gro off" mmsg mmsg-singles)
singles_peers=(smcroute-steered socat)
singles_fan_out=(uring "uring:--latency 100" mmsg-singles)

singles_suite() {
    local run size outputs case
    raw=$out/singles-raw.csv
    echo "$raw_columns" >"$raw"
    ! $quick || singles_ours=(uring mmsg-singles)
    for ((run = 1; run <= runs; run++)); do
        for size in 200 1400 64-1400; do
            for case in "${singles_ours[@]}" "${singles_peers[@]}"; do
                singles_measure one "$case" "$size" outputs=1
            done
        done
        for outputs in 3 8; do
            for size in 1400 64-1400; do
                for case in "${singles_fan_out[@]}"; do
                    singles_measure "fan-out-$outputs" "$case" "$size" "outputs=$outputs"
                done
            done
        done
    done
    summarise "$raw" >"$out/singles.csv"
    for table in one fan-out-3 fan-out-8; do
        show "$out/singles.csv" $table rate "$table: datagrams/s that arrived, by size"
        show "$out/singles.csv" $table cpu_ns "... ns of the relay's CPU for each"
    done
}

singles_measure() {
    load_set "size=$3" frames=on receiver=none "$4"
    measure "$1" "$2" "$3" "$run" "$2"
}
