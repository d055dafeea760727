#!/bin/bash
# also: trains fast
# One flow to four outputs: three networks, one of them twice.
. "$(dirname "$0")/lib/story.sh"
story "one flow leaves by four outputs, whole and in order at each"
topo_star 3
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out1:6001, 239.2.2.2%out2:6002,
    239.2.2.3%out3:6003,239.2.2.4%out3:6004"
recv_start one dst1 239.2.2.1%d0:6001
recv_start two dst2 239.2.2.2%d0:6002
recv_start three dst3 239.2.2.3%d0:6003
recv_start four dst3 239.2.2.4%d0:6004
send src 239.1.1.1%s0:5000 --count 3000 --rate 6000
relay_stop
for name in one two three four; do
    recv_clean $name 3000
done
expect "relayed" "$(reported .totals.relayed)" 3000
expect "offered" "$(reported .totals.offered)" 12000
expect "outputs" "$(reported '.rules[0].flows[0].outputs | length')" 4
