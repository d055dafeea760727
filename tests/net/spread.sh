#!/bin/bash
# also: trains
# spread=k: a hot flow's outputs are divided among k shards, and still each datagram reaches each
# output once and in order.
. "$(dirname "$0")/lib/story.sh"
story "a flow's outputs are spread over four shards"
topo_line
outputs=
for i in 1 2 3 4 5 6 7 8; do
    outputs+="${outputs:+, }239.2.2.$i%out0:6000"
done
relay_start --shards 4 --oversubscribe --rule "239.1.1.1%in0:5000 spread=4 -> $outputs"
recv_start sink dst 239.2.2.1%d0:6000 239.2.2.2%d0:6000 239.2.2.3%d0:6000 239.2.2.4%d0:6000 \
    239.2.2.5%d0:6000 239.2.2.6%d0:6000 239.2.2.7%d0:6000 239.2.2.8%d0:6000 --expect-flows 8
send src 239.1.1.1%s0:5000 --count 3000 --rate 6000
relay_stop
recv_clean sink 24000
expect "owners" "$(reported '[.rules[0].flows[].shard] | unique | length')" 4
expect "outputs of each owner" \
    "$(reported '[.rules[0].flows[].outputs | length] | join(" ")')" "2 2 2 2"
expect "received by each owner" \
    "$(reported '[.rules[0].flows[].received] | unique | join(" ")')" 3000
