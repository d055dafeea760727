#!/bin/bash
# Datagrams larger than the flow's buffers: counted as truncated with their real length, never
# relayed cut, and the flow moves up a class so that the next ones pass.
. "$(dirname "$0")/lib/story.sh"
story "a flow moves up a class"
topo_line
relay_start --gro off --rcvbuf 64M --rule "239.1.1.1%in0:5000 class=small -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000
# How many are cut before the flow has moved is up to the machine, so one goes first.
for size in 1400 4000 9000 30000; do
    send src 239.1.1.1%s0:5000 --count 1 --size $size
    relay_settle
    send src 239.1.1.1%s0:5000 --count 199 --rate 400 --size $size
    relay_settle
done
relay_stop
recv_stop sink
relay_accounts 800
expect "cut, corrupt, duplicated" \
    "$(got sink '.total | [.cut, .corrupt, .duplicated] | join(" ")')" "0 0 0"
expect "truncated: the first that was too large, three times" \
    "$(reported .totals.drops.truncated)" 3
expect "arrived" "$(got sink .total.received)" 797
