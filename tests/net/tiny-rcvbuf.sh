#!/bin/bash
# also: trains
# A receive buffer of 4 KiB under bursts: the kernel drops, and the report says exactly how many.
. "$(dirname "$0")/lib/story.sh"
story "a socket buffer of 4 KiB under bursts"
topo_line
singles=()
relay_start --rcvbuf 4096 --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 20000 --rate unlimited --burst 1024
# What follows, one by one, since the buffer has no room for more than a few, finds its way.
for i in {1..20}; do
    relay_settle
    send src 239.1.1.1%s0:5000 --count 1 --size 64
    singles+=("$(sent .session)")
done
relay_stop
recv_stop sink
relay_accounts 20020
expect_cmp "kernel drops" "$(reported '.rules[0].kernel_drops')" -gt 0
expect "arrived is sent" "$(got sink .total.received)" "$(reported .totals.sent)"
expect "duplicated, reordered, corrupt, cut" \
    "$(got sink '.total | [.duplicated, .reordered, .corrupt, .cut] | join(" ")')" "0 0 0 0"
expect "of the last 20" "$(jq --argjson singles "[$(IFS=, && echo "${singles[*]}")]" \
    '[.flows[] | select(.session | IN($singles[])).received] | add' "$work/sink.json")" 20
