#!/bin/bash
# A queueing discipline that drops: the kernel calls it success unless asked, and we ask.
. "$(dirname "$0")/lib/story.sh"
story "what a qdisc drops is counted"
topo_line

in_ns mid tc qdisc add dev out0 root tbf rate 2mbit burst 4000 limit 6000 || fail_now "no tbf here"
# Singles, because tbf cuts a train that is larger than its burst into segments and calls it a
# success when it drops only some of them: nobody can count those but tc.
relay_start --gso off --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 2000 --rate 2000
relay_stop
wait_for queue_empty mid out0 || fail "the qdisc does not drain"
recv_stop sink
relay_accounts 2000
expect_cmp "drops by the qdisc" "$(reported .totals.drops.qdisc)" -gt 100
expect "arrived is sent" "$(got sink .total.received)" "$(reported .totals.sent)"
