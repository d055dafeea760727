#!/bin/bash
# The largest steady case: 512 IPv6 groups over 8 shards for ten seconds.
. "$(dirname "$0")/lib/story.sh"
story "512 IPv6 groups over 8 shards for 10 s"
topo_line
relay_start --shards 8 --oversubscribe \
    --rule "[ff15::1:0/119%in0]:5000 -> [ff15::2:0/119%out0]:6000"
recv_start sink dst "[ff15::2:0/119%d0]:6000" --expect-flows 512
send src "[ff15::1:0/119%s0]:5000" --duration 10 --rate 20000
relay_stop
recv_clean sink "$(sent .sent)"
expect "flows" "$(reported '.rules[0].flows | length')" 512
expect "flows of each shard" \
    "$(reported '[.rules[].flows[].shard] | group_by(.) | map(length) | unique | join(" ")')" 64
expect "kernel drops" "$(reported '.rules[0].kernel_drops')" 0
