#!/bin/bash
# also: trains
# Eight buffers and a burst far beyond them: nothing crashes, every datagram is accounted for, and
# traffic flows again at once.
. "$(dirname "$0")/lib/story.sh"
story "a pool of eight buffers survives bursts"
topo_line
relay_start --pool small=8,standard=8,jumbo=8,train=8 \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000, 239.2.2.3%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000 --rcvbuf 64M
send src 239.1.1.1%s0:5000 --count 20000 --rate unlimited --burst 1024
relay_settle
send src 239.1.1.1%s0:5000 --count 1000 --rate 1000
relay_stop
recv_stop sink
relay_accounts 21000
expect "arrived is sent" "$(got sink .total.received)" \
    "$(reported '.rules[0].flows[0].outputs[0].sent')"
expect "duplicated, reordered, corrupt, cut" \
    "$(got sink '.total | [.duplicated, .reordered, .corrupt, .cut] | join(" ")')" "0 0 0 0"
expect "the last thousand" "$(last_got sink received)" 1000
