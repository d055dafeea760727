#!/bin/bash
# also: trains fast
# Source filters: SSM groups and ordinary ones; two rules that share a group but not a source.
. "$(dirname "$0")/lib/story.sh"
story "a rule that names a source relays that source only"
topo_line
in_ns src ip addr add 10.77.1.9/24 dev s0
in_ns src ip -6 addr add fd77:1::9/64 dev s0 nodad
relay_start \
    --rule "10.77.1.1@232.1.1.1%in0:5000 -> 232.2.2.2%out0:6000" \
    --rule "10.77.1.1@239.1.1.1%in0:5001 -> 239.2.2.1%out0:6001" \
    --rule "10.77.1.9@239.1.1.1%in0:5001 -> 239.2.2.9%out0:6001" \
    --rule "[fd77:1::1]@[ff3e::1%in0]:5002 -> [ff3e::2%out0]:6002"
recv_start ssm dst 10.77.2.1@232.2.2.2%d0:6000
recv_start first dst 239.2.2.1%d0:6001
recv_start ninth dst 239.2.2.9%d0:6001
recv_start six dst "[fd77:2::1]@[ff3e::2%d0]:6002"
send src 232.1.1.1%s0:5000 --source 10.77.1.1 --count 1000 --rate 5000
send src 232.1.1.1%s0:5000 --source 10.77.1.9 --count 500 --rate 5000
send src 239.1.1.1%s0:5001 --source 10.77.1.1 --count 700 --rate 5000
send src 239.1.1.1%s0:5001 --source 10.77.1.9 --count 300 --rate 5000
send src "[ff3e::1%s0]:5002" --source fd77:1::1 --count 1000 --rate 5000
send src "[ff3e::1%s0]:5002" --source fd77:1::9 --count 500 --rate 5000
relay_stop
recv_clean ssm 1000
recv_clean first 700
recv_clean ninth 300
recv_clean six 1000
expect "relayed" "$(reported .totals.relayed)" 3000
expect "the report tells flows of one group apart" \
    "$(reported '[.rules[1,2].flows[0].source] | join(" ")')" "10.77.1.1 10.77.1.9"
