#!/bin/bash
# The interface of a feed's first leg, whose outputs are all legs', is deleted and made anew while
# the feed goes on: the other leg carries it meanwhile, and nothing is lost or doubled. The log and
# `numacastctl show legs' tell of the silence.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/merge.sh"
story "the first leg of a feed loses its interface and gets it again"

# relayed_more COUNT: whether the relay has sent a few hundred since it had sent COUNT.
relayed_more() {
    [ "$(in_ns mid cat /sys/class/net/out0/statistics/tx_packets)" -gt $(($1 + 300)) ]
}

# on: waits until the feed has gone on for a while.
on() {
    local before
    before=$(in_ns mid cat /sys/class/net/out0/statistics/tx_packets)
    wait_for relayed_more "$before" || fail "the feed does not go on"
}

merge_topo a b
relay_control=$work/control
export NUMACAST_CONTROL=$relay_control
relay_start --rule "239.1.1.1%a0:5000 + 239.1.1.1%b0:5000 $field silent=100 -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000
start_in src "$probe" send --quiet --no-loop 239.1.1.1%s0:5000 --duration 600 --rate 1000 \
    2>"$work/send.log"
sender=$started
on
in_ns mid ip link del a0
wait_for grep -q "a0:5000: this leg has been silent for longer than silent=100" "$daemon_log" ||
    fail "the silence is not told"
on
# The other one seems silent, too, while the machine stands still.
legs_are_shown() {
    "$ctl" show legs --json >"$work/legs.json"
    [ "$(jq -r '[.legs[] | .leg.leg, .merge.method, .leg.silent] | join(" ")' \
        "$work/legs.json")" = "0 field 1 1  0" ]
}
wait_for legs_are_shown || fail "legs as they are shown: $(cat "$work/legs.json")"
heard_before=$(grep -c "a0:5000: this leg is heard again" "$daemon_log")
heard_again() {
    [ "$(grep -c "a0:5000: this leg is heard again" "$daemon_log")" -gt "$heard_before" ]
}
veth_pair sw pa mid a0
in_ns sw ip link set pa master br0 up
in_ns mid ip link set a0 up
wait_for heard_again || fail "its end is not told"
stop "$sender"
relay_stop
recv_stop sink
count=$(got sink .total.received)
expect "received, lost, duplicated" \
    "$(got sink '.total | [.received, .lost, .duplicated] | join(" ")')" "$count 0 0"
expect "relayed" "$(reported '.rules[0].merge.relayed')" "$count"
lost=$(reported '.rules[0].merge.legs[0].lost')
expect_cmp "lost by the first leg" "$lost" -gt 0
expect "saved by the second" "$(reported '.rules[0].merge.legs[1].only')" "$lost"
expect "states" "$(reported '[.rules[0].flows[].state] | unique | join(" ")')" live
