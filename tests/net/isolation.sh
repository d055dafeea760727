#!/bin/bash
# also: trains part-fast
# shellcheck disable=SC2154
# Outputs that fare badly, each in its own way, beside good ones on one shard: a throttled
# interface, a host that nobody answers for, a closed port, an interface that goes down. What the
# good ones send arrives whole and in order, of this rule and of another; each loss is counted where
# it happened.
. "$(dirname "$0")/lib/story.sh"
story "an output that is slow, full or dead harms no other"
topo_star 3
count=6000
in_ns mid tc qdisc add dev out2 root tbf rate 2mbit burst 4000 limit 6000 || fail_now "no tbf here"
relay_start --shards 1 --sndbuf 64K \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out1:6000, 239.2.2.2%out2:6000 gso=off,
        10.77.11.77:6000, 10.77.11.2:6009, 239.2.2.3%out3:6000, 239.2.2.4%out1:6000" \
    --rule "239.1.1.2%in0:5000 -> 239.2.3.1%out1:6000"
recv_start good dst1 239.2.2.1%d0:6000 239.2.2.4%d0:6000 239.2.3.1%d0:6000
send src 239.1.1.1%s0:5000 239.1.1.2%s0:5000 --count $count --rate 6000
relay_settle # or the last of these are lost with the link as well
in_ns mid ip link set out3 down
send src 239.1.1.1%s0:5000 239.1.1.2%s0:5000 --count $count --rate 6000
relay_stop
# Half of what was sent is of each flow, and two good outputs have the first.
recv_clean good $((3 * count))

# drop OUTPUT CAUSE: of the first rule.
drop() {
    reported ".rules[0].flows[0].outputs[$1].drops.$2"
}
for good in 0 5; do
    expect "sent by good output $good" "$(reported ".rules[0].flows[0].outputs[$good].sent")" $count
done
expect_cmp "lost where it is throttled" $(($(drop 1 qdisc) + $(drop 1 egress_full))) -gt 100
expect_cmp "lost where nobody answers" $(($(drop 2 egress_full) + $(drop 2 unreachable))) -gt 0
expect "lost when the interface was down" "$(drop 4 link_down)" $((count / 2))
expect "lost by the other rule" "$(reported '.rules[1].flows[0].outputs[0].drops | add')" 0
