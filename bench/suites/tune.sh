# tune.sh - what each tuning flag does to rate, CPU and latency: the reasons in doc/TUNING.md.
#
# One flag is varied at a time, all else at its default, under the load that the flag is about. The
# values of a flag are measured in turn.
# shellcheck shell=bash disable=SC2034,SC2154

tune_suite() {
    if [ -n "${TUNE_TABLES:-}" ] && $save; then
        fault "TUNE_TABLES: --save keeps a whole run of tune only"
        return
    fi
    raw=$out/tune-raw.csv
    echo "$raw_columns" >"$raw"
    tune_batches
    tune_latency
    tune_buffers
    tune_submission
    summarise "$raw" >"$out/tune.csv"
    tune_show
}

# tune TABLE RELAY FLAG VALUES [NAME=VALUE]...: FLAG has {} where the value goes.
tune() {
    local table=$1 relay=$2 flag=$3 value run
    local -a values
    [[ -z ${TUNE_TABLES:-} || " $TUNE_TABLES " == *" $table "* ]] || return 0
    read -r -a values <<<"$4"
    shift 4
    ! $quick || values=("${values[0]}" "${values[-1]}")
    for ((run = 1; run <= runs; run++)); do
        for value in "${values[@]}"; do
            load_set "$@"
            measure "$table" "$relay" "$value" "$run" "$relay:${flag//\{\}/$value}"
        done
    done
}

tune_batches() {
    local waits="0 10 20 50 100 200 500"
    tune batch-wait-singles uring '--batch-wait {}' "$waits"
    tune batch-wait-trains uring '--batch-wait {}' "$waits" gso=40
    tune batch-wait-50k uring '--batch-wait {}' "$waits" rate=50000
    tune batch-complete uring '--batch-wait 50 --batch-complete {}' "1 4 8 16 32 64 128"
    tune train-max uring '--batch-wait 50 --train-max {}' "2 4 8 16 32 64"
}

tune_latency() {
    local spins="0 5 10 20 50 100 200"
    tune spin-50k uring '--spin {}' "$spins" rate=50000
    tune spin-5k uring '--spin {}' "$spins" rate=5000
}

tune_buffers() {
    tune hot-train uring '--hot train={}' "2 4 8 16 32" gso=40
    # True singles of mixed sizes, more than a shard takes: slots for trains run out, and small ones
    # do not.
    tune hot-train-mixed uring '--pool train=256 --hot train={}' "32 64 128 256" size=64-1400 \
        frames=on receiver=none
    tune gro-mixed uring '--gro {}' "on off" size=64-1400 frames=on receiver=none
    tune hot-train-large uring '--pool train=1024 --hot train={}' "32 128 512 1024" gso=40
    tune hot-small uring-singles '--hot small={}' "8 16 32 64 128 256 512" rate=100000
    tune rcvbuf uring '--rcvbuf {}' "256K 1M 4M 16M 64M" gso=40 receiver=none
    tune rcvbuf-singles uring '--rcvbuf {}' "256K 1M 4M 16M 64M"
    tune sndbuf uring '--sndbuf {}' "64K 256K 1M 4M 16M" gso=40
}

tune_submission() {
    tune batch-submit uring-singles '--batch-submit {}' "0 1 4 8 16 32" outputs=16 rate=20000
    tune batch-submit-trains uring '--batch-submit {}' "0 1 4 8 16 32" outputs=16 gso=40 rate=400k
    tune sq-entries uring-singles '--sq-entries {}' "4 16 64 256 1024" outputs=16 rate=20000
    # The kernel's submitting thread wants a processor of its own, and shares one here.
    tune sqpoll uring '--sqpoll={}' "off on" rate=50000 relay_cpus=0,1
    tune sqpoll-trains uring '--sqpoll={}' "off on" gso=40 relay_cpus=0,1
}

tune_show() {
    local table
    while read -r table; do
        printf '\n%s\n' "$table"
        awk -F, -v table="$table" -v OFS=, '
            NR == 1 || $1 == table { print $3, $5, $6, $7, $9, $10, $11, $12 }' "$out/tune.csv" |
            tee "$out/tune-$table.csv" | print_csv
        plot_columns "tune-$table" "$table: CPU in ns a datagram, latency in us" 1 \
            "cpu_ns p50_us p99_us" log
    done < <(awk -F, 'NR > 1 && !($1 in seen) { seen[$1] = 1; print $1 }' "$out/tune.csv")
}
