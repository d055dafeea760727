#!/bin/bash
# builds: plain
# A rule of four feeds whose outputs are two shards' (spread=2): each shard has copies of all legs
# and decides for itself, and both come to the same. Each output lacks only what both legs have
# lost.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/merge.sh"
story "four feeds by two legs are merged on two shards"
feeds=4 count=1000
merge_topo a b
merge_lose a 100 "$count"
merge_lose b 100 "$count"
relay_start --shards 2 --rule "239.1.1.0/30%a0:5000 + 239.1.1.0/30%b0:5000 $field $apart \
    spread=2 -> 239.2.2.0/30%out0:6000, 239.2.3.0/30%out0:6000"
recv_start first dst 239.2.2.0/30%d0:6000
recv_start second dst 239.2.3.0/30%d0:6000
send src 239.1.1.0/30%s0:5000 --count-per-flow "$count" --rate 4000
relay_stop
recv_stop first
recv_stop second
lost=$(reported '[.rules[0].flows[] | select(.merge) | .merge.lost_all] | add / 2')
expect "flows, by shard" \
    "$(reported '[.rules[0].flows | group_by(.shard)[] | length] | join(" ")')" "8 8"
expect "lost, as each leg has it, on both shards" \
    "$(reported '[.rules[0].merge.legs[].lost] | join(" ")')" \
    "$((2 * $(merge_lost a))) $((2 * $(merge_lost b)))"
expect "numbers" "$(reported '.rules[0].merge.numbers')" $((2 * feeds * count))
for sink in first second; do
    expect "$sink: received, lost, duplicated" \
        "$(got $sink '.total | [.received, .lost, .duplicated] | join(" ")')" \
        "$((feeds * count - lost)) $lost 0"
done
