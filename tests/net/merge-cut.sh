#!/bin/bash
# Three legs, of which one receives single datagrams where the others receive trains. Cables are
# pulled in turn while the feed goes on, and a reload changes the outputs; nothing is lost or
# doubled.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/merge.sh"
story "the cables of a merged feed are pulled in turn"

# heard LEG: datagrams that its interface has brought.
heard() {
    in_ns mid cat "/sys/class/net/${1}0/statistics/rx_packets"
}

# grown LEG SINCE: whether it has brought some more.
grown() {
    [ "$(heard "$1")" -gt $(($2 + 20)) ]
}

# cut LEG OTHER: the leg is down while another brings something, and comes back.
cut() {
    local before
    in_ns sw ip link set "p$1" down
    before=$(heard "$2")
    wait_for grown "$2" "$before" || fail "leg $2 brings nothing"
    in_ns sw ip link set "p$1" up
    before=$(heard "$1")
    wait_for grown "$1" "$before" || fail "leg $1 does not come back"
}

merge_topo a b c
legs="239.1.1.1%a0:5000 $field $apart + 239.1.1.1%b0:5000 gro=off + 239.1.1.1%c0:5000 silent=100"
echo "rule $legs -> 239.2.2.2%out0:6000" >"$work/relay.conf"
relay_start --config "$work/relay.conf"
recv_start sink dst 239.2.2.2%d0:6000
at_first=$(heard a)
start_in src "$probe" send --quiet --json --no-loop --gso 4 239.1.1.1%s0:5000 --duration 600 \
    --rate 3000 >"$work/sent.json"
sender=$started
# What comes before its first datagram a leg has not lost.
wait_for grown a "$at_first" || fail "leg a brings nothing"
for pulled in "a b" "b c" "c a"; do
    # shellcheck disable=SC2086
    cut $pulled
done
echo "rule $legs -> 239.2.2.2%out0:6000, 239.2.2.3%out0:6000" >"$work/relay.conf"
kill -HUP "$daemon_pid"
wait_for grep -q "reload: done" "$daemon_log" || fail "outputs of a merge cannot be changed"
stop "$sender"
count=$(sent .sent)
recv_stop sink
relay_stop
expect "received, lost, duplicated" \
    "$(got sink '.total | [.received, .lost, .duplicated] | join(" ")')" "$count 0 0"
expect "relayed" "$(reported '.rules[0].merge.relayed')" "$count"
expect "lost by all" "$(reported '.rules[0].merge.lost_all')" 0
expect_cmp "lost by the first leg" "$(reported '.rules[0].merge.legs[0].lost')" -gt 0
expect "the added output has been offered what came since" \
    "$(reported '.rules[0].flows[0].outputs[1] | .offered + .relayed_before')" "$count"
