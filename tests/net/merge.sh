#!/bin/bash
# also: trains
# Two copies of a feed, each losing a tenth, become one that lacks only what both have lost.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/merge.sh"
story "two lossy copies of a feed become one"
count=4000

# tell RULE SEND RECV [KNOWN]: a feed by two legs, and what became of it against what the filters
# count. Without numbers nobody knows of what all legs have lost; then KNOWN is 0.
tell() {
    local lost_a lost_b lost known=${4-1}
    relay_start --rcvbuf 64M --rule "$1"
    recv_start sink dst "$3"
    send src "$2" --count "$count" --rate 4000
    relay_stop
    recv_stop sink
    lost_a=$(merge_lost a)
    lost_b=$(merge_lost b)
    lost=$(reported '.rules[0].merge.lost_all')
    if [ "$known" -eq 0 ]; then
        expect "lost by all, as is known" "$lost" 0
        lost=$(got sink .total.lost)
        lost_a=$((lost_a - lost))
        lost_b=$((lost_b - lost))
    fi
    expect_cmp "lost on the first leg" "$lost_a" -gt 0
    expect_cmp "lost on the second leg" "$lost_b" -gt 0
    expect "lost, as each leg has it" \
        "$(reported '[.rules[0].merge.legs[].lost] | join(" ")')" "$lost_a $lost_b"
    expect "before a leg's first" "$(reported '[.rules[0].merge.legs[].before] | add')" 0
    expect "numbers" "$(reported '.rules[0].merge.numbers')" "$((known ? count : count - lost))"
    expect "received, lost, duplicated" \
        "$(got sink '.total | [.received, .lost, .duplicated] | join(" ")')" \
        "$((count - lost)) $lost 0"
    expect "offered" "$(reported '.rules[0].flows[0].outputs[0].offered')" $((count - lost))
    expect "relayed" "$(reported '.rules[0].merge.relayed')" $((count - lost))
    expect "restarts" "$(reported '.rules[0].merge.restarts')" 0
    expect "owners" "$(reported '[.rules[0].flows[].shard] | unique | length')" 1
}

merge_topo a b
merge_lose a 100 "$count"
merge_lose b 100 "$count"
tell "239.1.1.1%a0:5000 + 239.1.1.1%b0:5000 $field $apart -> 239.2.2.2%out0:6000" \
    239.1.1.1%s0:5000 239.2.2.2%d0:6000
tell "[ff3e::1%a0]:5000 $field $apart + [fd77:1::1]@[ff3e::1%b0]:5000 -> [ff3e::2%out0]:6000" \
    "[ff3e::1%s0]:5000" "[ff3e::2%d0]:6000"
tell "239.1.1.1%a0:5000 + 239.1.1.1%b0:5000 seq=hash $apart -> 239.2.2.2%out0:6000" \
    239.1.1.1%s0:5000 239.2.2.2%d0:6000 0
