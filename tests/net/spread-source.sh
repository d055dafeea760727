#!/bin/bash
# also: trains
# by=source: a flow with one output is divided over 1, 2, 4 and 8 shards, multicast and unicast of
# both families: each datagram of each sender arrives once and in order, by the shard of its share.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/spread.sh"
story "flows are divided among shards by the senders' addresses"
spread_topo
spread_rules ""
relay_start --shards 8 --oversubscribe "${rules[@]}"
recv_start sink dst "${sinks[@]}"
spread_send --count-per-flow 24 --rate 2000
relay_stop
recv_clean sink "$(spread_all 24)"
spread_expect 24
expect "seen by some sockets only" \
    "$(reported '[.rules[].flows[].spread.outside // 0] | add')" 0
expect "of a whole flow nothing is another's" "$(spread_of m4-1 not_mine)" 0
expect "each share's socket has seen all of a group" \
    "$(spread_of m4-4 spread.pieces | tr ' ' '\n' | sort -u | wc -l)" 1
