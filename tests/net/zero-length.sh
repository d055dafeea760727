#!/bin/bash
# also: fast
# Empty datagrams: anyone may send one, it ends a multishot receive, and it is relayed all the same.
. "$(dirname "$0")/lib/story.sh"
story "empty datagrams pass, and so does what follows them"
topo_line
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 500 --rate 2000 --size 0
send src 239.1.1.1%s0:5000 --count 500 --rate 2000 --size 0-60
send src 239.1.1.1%s0:5000 --count 1000 --rate 2000
relay_stop
recv_stop sink
expect "received by the relay" "$(reported .totals.received)" 2000
expect "sent by the relay" "$(reported .totals.sent)" 2000
expect "received behind it" "$(got sink .total.received)" 2000
expect "lost, duplicated" "$(got sink '.total | [.lost, .duplicated] | join(" ")')" "0 0"

# A flood of them costs their own flow nothing either, however long a shard gathers what comes in.
# The buffer holds most of it, since others may have the processor, but not what there would be if
# each wait brought one of them.
relay_start --batch-wait 4000 --rcvbuf 5M --shards 1 \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
recv_start flooded dst 239.2.2.2%d0:6000
start_in src "$probe" send --quiet --no-loop --rate 3000 --size 0 --count 9000 239.1.1.1%s0:5000 \
    >"$work/flood.out" 2>"$work/flood.log"
send src 239.1.1.1%s0:5000 --count 2500 --rate 1000
wait_for dead "$started" || fail "the flood does not end"
relay_stop
recv_stop flooded
expect "amid a flood: received" "$(got flooded '[.flows[] | select(.received == 2500)] | length')" 1
expect "amid a flood: lost" "$(got flooded .total.lost)" 0
expect "amid a flood: dropped before the relay" "$(reported '.rules[0].flows[0].kernel_drops')" 0
