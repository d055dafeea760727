#!/bin/bash
# also: trains
# rate= on an output: what is beyond it is dropped and counted there, and nowhere else.
. "$(dirname "$0")/lib/story.sh"
story "one output is limited to 4 Mbit/s, the other is not"
topo_line
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000 rate=4M, 239.2.2.2%out0:6000"
recv_start limited dst 239.2.2.1%d0:6000
recv_start free dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 8000 --rate 4000 --size 1000
relay_stop
recv_clean free 8000
recv_stop limited
output='.rules[0].flows[0].outputs[0]'
expect "arrived is sent" "$(got limited .total.received)" "$(reported "$output.sent")"
expect "the rest is rate_limited" "$(reported "$output.drops.rate_limited")" \
    "$((8000 - $(reported "$output.sent")))"
# 32 Mbit/s were offered; an eighth may pass, and a burst at the start.
expect_cmp "passed" "$(reported "$output.sent")" -ge 500
expect_cmp "passed" "$(reported "$output.sent")" -le 4000
