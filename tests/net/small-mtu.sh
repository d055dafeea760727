#!/bin/bash
# The egress MTU is smaller than the ingress MTU: trains are split to fit or resent one by one, and
# what is larger than a packet leaves in fragments.
. "$(dirname "$0")/lib/story.sh"
story "trains towards a smaller MTU"
topo_line
in_ns mid ip link set out0 mtu 1280
in_ns dst ip link set d0 mtu 1280
relay_start --rcvbuf 64M --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000" \
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

# It shrinks while the relay runs: what still fits goes on in trains, and the rest arrives as well.
in_ns mid ip link set out0 mtu 1500
in_ns dst ip link set d0 mtu 1500
relay_start --rcvbuf 64M --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000" \
    --rule "[ff15::1%in0]:5000 -> [ff15::2%out0]:6000"
recv_start before4 dst 239.2.2.2%d0:6000
recv_start before6 dst "[ff15::2%d0]:6000"
send src 239.1.1.1%s0:5000 --count 400 --rate 8000 --gso 20 --size 1400
send src "[ff15::1%s0]:5000" --count 400 --rate 8000 --gso 20 --size 1400
relay_settle
recv_clean before4 400
recv_clean before6 400
in_ns mid ip link set out0 mtu 1280
in_ns dst ip link set d0 mtu 1280
recv_start after4 dst 239.2.2.2%d0:6000
recv_start after6 dst "[ff15::2%d0]:6000"
for size in 1400 500; do
    send src 239.1.1.1%s0:5000 --count 1000 --rate 2000 --gso 20 --size "$size"
    send src "[ff15::1%s0]:5000" --count 1000 --rate 2000 --gso 20 --size "$size"
done
relay_stop
recv_clean after4 2000
recv_clean after6 2000
outputs='[.rules[].flows[].outputs[]]'
expect "outputs that gave up trains" \
    "$(reported "$outputs | map(select(.gso_off != 0)) | length")" 0
# The larger half leaves by itself now; were the other half to do so too, it would be 2000 and more.
expect_cmp "sends, the most of an output" "$(reported "$outputs | map(.sends) | max")" -lt 1500
