#!/bin/bash
# Datagrams of 0 to 65507 bytes: each arrives whole or is counted, and none is cut.
. "$(dirname "$0")/lib/story.sh"
story "random sizes up to the largest datagram"
topo_line
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000 --rcvbuf 64000000
send src 239.1.1.1%s0:5000 --count 3000 --rate 1500 --size 0-65507
relay_stop
recv_stop sink
expect "cut, corrupt, duplicated" \
    "$(got sink '.total | [.cut, .corrupt, .duplicated] | join(" ")')" "0 0 0"
expect "received by the relay, with what the kernel dropped" \
    "$(reported '.rules[0] | .received + .kernel_drops')" 3000
expect "each datagram arrived or was counted" \
    $(($(got sink .total.received) + $(reported '[.totals.drops[]] | add'))) \
    "$(reported '.totals.received')"
expect "bytes sent are bytes received" "$(reported '.rules[0].flows[0].outputs[0].sent_bytes')" \
    "$(got sink .total.bytes)"
expect_cmp "relayed" "$(reported .totals.relayed)" -ge 1000
