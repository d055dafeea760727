# ring.sh - batches, full queues and kinds of rings; the program tells its own story.
# shellcheck shell=bash disable=SC2034,SC2154

ring_suite() {
    run_program ring_bench --cpu 0
    local figure
    for figure in calls ns p50_us; do
        plot_column ring_kinds "$figure" "kinds of rings, 100 000 datagrams/s: $figure"
    done
    cut -d, -f1,2,4 "$out/ring_submit.csv" >"$out/ring_submit-calls.csv"
    plot_lines "$out/ring_submit-calls.csv" "system calls an event, by early submission" \
        "batch_submit (0: at turns only)" "calls" "set yrange [0:*]"
}
