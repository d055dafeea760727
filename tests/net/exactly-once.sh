#!/bin/bash
# also: trains
# However many shards there are, each datagram reaches each output exactly once and in order.
. "$(dirname "$0")/lib/story.sh"
story "32 flows with two outputs each, over 1, 2, 3, 8 and 64 shards"
topo_line
for shards in 1 2 3 8 64; do
    relay_start --shards $shards --oversubscribe --pool small=256,standard=64,jumbo=32,train=16 \
        --rule "239.1.1.0/27%in0:5000 -> 239.2.2.0/27%out0:6000, 239.2.3.0/27%out0:6001"
    recv_start one$shards dst 239.2.2.0/27%d0:6000
    recv_start two$shards dst 239.2.3.0/27%d0:6001
    send src 239.1.1.0/27%s0:5000 --count-per-flow 100 --rate 8000
    relay_stop
    recv_clean one$shards 3200
    recv_clean two$shards 3200
    expect "shards" "$(reported '.shards | length')" $shards
    expect "shards that own a flow" "$(reported '[.rules[].flows[].shard] | unique | length')" \
        $((shards < 32 ? shards : 32))
done
