# pool.sh - what a datagram buffer costs; the program tells its own story.
# shellcheck shell=bash disable=SC2034,SC2154

pool_suite() {
    run_program pool_bench --cpu 0 ${bench_node:+--bench-node "$bench_node"}
    # The targets are about memory of the near node.
    [ -n "$bench_node" ] || ! grep -q ',NO$' "$out/pool_targets.csv" || fault "targets were missed"
    plot_columns pool_latency "allocate+free in a row, ns" 1 "counted_ns bare_ns malloc_ns"
    plot_columns pool_singles "allocate+free one by one, ns" "1 2" "p50 p95 p99 p99.9"
    plot_columns pool_life "a datagram's life: lend, accept, hold, drop, drop; ns" 1 \
        "counted_ns bare_ns"
    plot_columns pool_sizes "by buffers in the pool, ns a pair" 1 \
        "pair_ns churn_ns malloc_churn_ns"
    plot_columns pool_bursts "by burst, ns a pair" 1 "counted_ns bare_ns malloc_ns"
    plot_columns pool_exhaustion "exhaustion and recovery, ns" 1 \
        "refusal_ns recovery_p50_ns recovery_p99_ns"
    plot_columns pool_copies "allocate+copy+free, ns" 1 "pool_ns malloc_ns" log
    plot_columns pool_footprints "by footprint and kind of page, ns" "1 4" \
        "first_ns touched_ns hot_ns" log
    plot_columns pool_nodes "by memory node, ns" 1 "touched_ns hot_ns"
    plot_columns pool_misses "events a pair, by perf" 1 "hot_pair pass_8MiB" log
}
