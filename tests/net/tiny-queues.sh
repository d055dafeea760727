#!/bin/bash
# also: trains
# A completion queue of four entries and a submission queue of four: full all the time, and still
# no datagram is lost without being counted.
. "$(dirname "$0")/lib/story.sh"
story "rings of four entries"
topo_line
relay_start --sq-entries 4 --cq-entries 4 \
    --rule "239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000, 239.2.3.0/28%out0:6000"
recv_start sink dst 239.2.2.0/28%d0:6000
send src 239.1.1.0/28%s0:5000 --count 16000 --rate 20000 --burst 256
relay_settle
send src 239.1.1.0/28%s0:5000 --count-per-flow 96 --rate 2000
relay_stop
recv_stop sink
relay_accounts 17536
expect "duplicated, reordered, corrupt, cut" \
    "$(got sink '.total | [.duplicated, .reordered, .corrupt, .cut] | join(" ")')" "0 0 0 0"
if [ "$ENGINE" = uring ]; then
    expect_cmp "times that the submission queue was full" \
        "$(reported '[.shards[].ring.sq_full] | add')" -gt 0
    expect_cmp "times that the kernel kept completions aside" \
        "$(reported '[.shards[].ring.cq_overflow] | add')" -gt 0
fi
expect "the last 16 flows" "$(last_got sink received)" 96
