# ring.sh - batches, full queues and kinds of rings; the program tells its own story.
# shellcheck shell=bash disable=SC2034,SC2154

ring_suite() {
    run_program ring_bench --cpu 0
    plot_columns ring_kinds "kinds of rings, 100 000 datagrams/s: calls, ns, p50 in us" 1 \
        "calls ns p50_us" log
    cut -d, -f1,2,4 "$out/ring_submit.csv" >"$out/ring_submit-calls.csv"
    plot_lines "$out/ring_submit-calls.csv" "system calls an event, by early submission" \
        "batch_submit (0: at turns only)" "calls" "set yrange [0:*]"
    plot_columns ring_submit "ns an event, by early submission" 1 "uring_ns mmsg_ns"
    plot_columns ring_complete "wait, by completions that end it: us" 1 "p50_wait_us"
    plot_columns ring_full "a submission queue that fills: calls an event" 1 "calls sq_full"
    plot_columns ring_kinds_slow "kinds of rings, 5 000 datagrams/s: calls an event, p50 in us" 1 \
        "calls p50_us" log
}
