#!/bin/bash
# also: fast
# Trains in and out: a sender's segments pass through whole, and a receiver that cannot take trains
# gets single datagrams all the same.
. "$(dirname "$0")/lib/story.sh"
story "trains pass, mixed with singles, to receivers with and without GRO"
topo_star 2
relay_start --batch-wait 50 --rcvbuf 64M \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out1:6001, 239.2.2.2%out2:6002"
recv_start whole dst1 239.2.2.1%d0:6001 --gro --rcvbuf 64M
recv_start singles dst2 239.2.2.2%d0:6002 --rcvbuf 64M
send src 239.1.1.1%s0:5000 --count 20000 --rate 40000 --gso 40
send src 239.1.1.1%s0:5000 --count 2000 --rate 5000
send src 239.1.1.1%s0:5000 --count 2000 --rate 5000 --size 100-1400
relay_stop
recv_clean whole 24000
recv_clean singles 24000
expect_cmp "trains received" "$(reported '.rules[0].flows[0].trains')" -gt 0
expect_cmp "trains sent" "$(reported '.rules[0].flows[0].outputs[0].trains')" -gt 0
expect "resent as singles" "$(reported '[.rules[].flows[].outputs[].resent] | add')" 0
