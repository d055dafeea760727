#!/bin/bash
# The egress MTU is smaller than the ingress MTU: trains are split to fit or resent one by one, and
# what is larger than a packet leaves in fragments.
. "$(dirname "$0")/lib/story.sh"
story "trains towards a smaller MTU"
topo_line
in_ns mid ip link set out0 mtu 1280
in_ns dst ip link set d0 mtu 1280
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000" \
    --rule "[ff15::1%in0]:5000 -> [ff15::2%out0]:6000"
recv_start v4 dst 239.2.2.2%d0:6000
recv_start v6 dst "[ff15::2%d0]:6000"
send src 239.1.1.1%s0:5000 --count 4000 --rate 8000 --gso 20 --size 1400
send src 239.1.1.1%s0:5000 --count 4000 --rate 8000 --gso 20 --size 500
send src "[ff15::1%s0]:5000" --count 4000 --rate 8000 --gso 20 --size 1400
send src "[ff15::1%s0]:5000" --count 4000 --rate 8000 --gso 20 --size 500
relay_stop
recv_clean v4 8000
recv_clean v6 8000
expect "relayed" "$(reported .totals.relayed)" 16000
