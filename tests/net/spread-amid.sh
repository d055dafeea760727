#!/bin/bash
# also: trains
# Divided flows begin and end amid traffic: what comes before all shares have joined, or after the
# first has left, is told apart; in between each datagram arrives once and in order.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/spread.sh"
story "divided flows begin and end under traffic"
spread_topo
spread_rules ""
recv_start sink dst "${sinks[@]}" --late-start
senders=() each_rate=$(rate_of 2000 300) # each share takes it once more
for i in "${spread_sources[@]}"; do
    args=(send --quiet --no-loop "${send_extra[@]}" --rate "$each_rate" --duration 600)
    start_in src "$probe" "${args[@]}" --source "10.77.1.1$i" "${targets4[@]}" \
        >>"$work/sent.out" 2>>"$work/send.log"
    senders+=("$started")
    start_in src "$probe" "${args[@]}" --source "fd77:1::1$i" "${targets6[@]}" \
        >>"$work/sent.out" 2>>"$work/send.log"
    senders+=("$started")
done

sent_any() {
    [ "$(in_ns mid cat /sys/class/net/in0/statistics/rx_packets)" -gt 1000 ]
}

wait_for sent_any || fail_now "nobody sends"
relay_start --shards 8 --oversubscribe "${rules[@]}"
wait_for arrived dst 5000 || fail "nothing arrives"
kill -TERM "$daemon_pid"
relay_end
expect "numacastd's exit status" "$relay_status" 0
report_check
for pid in "${senders[@]}"; do
    stop "$pid"
done
recv_stop sink
expect "lost, duplicated, reordered, corrupt from the first to the last of each flow" \
    "$(got sink '[.total | .lost, .duplicated, .reordered, .corrupt] | join(" ")')" "0 0 0 0"
expect "arrived is sent" "$(got sink .total.received)" "$(reported .totals.sent)"
for k in 2 4 8; do
    for kind in m4 m6; do
        expect "$kind over $k: pieces seen by all shares, as each tells it" "$(reported "
            [.rules[] | select(.rule == \"$kind-$k\") | .flows[].spread
                | .pieces - .outside] | unique | length")" 1
    done
done
