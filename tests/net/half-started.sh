#!/bin/bash
# A start that fails at the last of many joins: what other shards have joined is relayed to nobody.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/capture.sh"
story "nothing half-started is heard"
topo_line
# An interface with an MTU below 1280 has no IPv6, so that a group cannot be joined there.
in_ns mid ip link add narrow0 type veth peer name narrow1
in_ns mid ip link set narrow0 mtu 1000 up
{
    echo "rule 239.1.1.1%in0:5000 shard=0 -> 239.2.2.2%out0:6000"
    for third in {0..3}; do
        echo "rule 239.7.$third.0/24%in0:5000 shard=1 -> 239.8.$third.0/24%out0:5000"
    done
    echo "rule [ff3e::1%narrow0]:5000 shard=1 -> 239.2.2.3%out0:6000"
} >"$work/rules.conf"
recv_start sink dst 239.2.2.2%d0:6000
start_in src "$probe" send --quiet --rate 20000 --duration 600 239.1.1.1%s0:5000 \
    >"$work/sender.out" 2>"$work/sender.log"
sender=$started
for try in 1 2 3; do
    relay_refuses 1 "shard 1: narrow0: cannot join" --strict --config "$work/rules.conf" \
        --shards 2 --oversubscribe
    expect "sent at attempt $try" "$(reported .totals.sent)" 0
    report_check
done
stop "$sender"
recv_stop sink
expect "received" "$(got sink .total.received)" 0
