#!/bin/bash
# also: trains
# Unicast on either side: multicast becomes unicast, unicast becomes multicast, IPv4 and IPv6.
. "$(dirname "$0")/lib/story.sh"
story "unicast comes in and goes out"
topo_line
relay_start \
    --rule "239.1.1.1%in0:5000 -> 10.77.2.2:6000" \
    --rule "10.77.1.2:5001 -> 239.2.2.1%out0:6001" \
    --rule "10.77.1.2%in0:5002 -> 10.77.2.2%out0:6002" \
    --rule "[ff15::1%in0]:5003 -> [fd77:2::2]:6003" \
    --rule "[fd77:1::2]:5004 -> [ff15::2%out0]:6004"
recv_start a dst 10.77.2.2:6000
recv_start b dst 239.2.2.1%d0:6001
recv_start c dst 10.77.2.2%d0:6002
recv_start d dst "[fd77:2::2]:6003"
recv_start e dst "[ff15::2%d0]:6004"
send src 239.1.1.1%s0:5000 --count 1000 --rate 5000
send src 10.77.1.2:5001 --count 1000 --rate 5000
send src 10.77.1.2:5002 --count 1000 --rate 5000
send src "[ff15::1%s0]:5003" --count 1000 --rate 5000
send src "[fd77:1::2]:5004" --count 1000 --rate 5000
relay_stop
for name in a b c d e; do
    recv_clean $name 1000
done
expect "relayed" "$(reported .totals.relayed)" 5000
