#!/bin/bash
# also: trains fast
# One group both ways between two networks, whoever sends: each side hears the other, nothing comes
# back, and nothing circles.
. "$(dirname "$0")/lib/story.sh"
story "one group goes both ways"
topo_line
relay_start \
    --rule "239.1.1.1%in0:5000 -> 239.1.1.1%out0:5000" \
    --rule "239.1.1.1%out0:5000 -> 239.1.1.1%in0:5000" \
    --rule "[ff15::1%in0]:5000 -> [ff15::1%out0]:5000" \
    --rule "[ff15::1%out0]:5000 -> [ff15::1%in0]:5000"
recv_start right dst 239.1.1.1%d0:5000
recv_start left src 239.1.1.1%s0:5000
recv_start right6 dst "[ff15::1%d0]:5000"
recv_start left6 src "[ff15::1%s0]:5000"
send src 239.1.1.1%s0:5000 --count 1000 --rate 5000
send dst 239.1.1.1%d0:5000 --count 600 --rate 5000
send src "[ff15::1%s0]:5000" --count 1000 --rate 5000
send dst "[ff15::1%d0]:5000" --count 600 --rate 5000
relay_stop
recv_clean right 1000
recv_clean left 600
recv_clean right6 1000
recv_clean left6 600
expect "relayed" "$(reported .totals.relayed)" 3200
expect "received" "$(reported '[.rules[].received] | add')" 3200
