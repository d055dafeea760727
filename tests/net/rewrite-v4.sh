#!/bin/bash
# also: trains fast
# One rule, IPv4: the group and the port are rewritten, and the old group does not cross.
. "$(dirname "$0")/lib/story.sh"
story "a group and a port are rewritten on the way from one network to another"
topo_line
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000
recv_start old dst 239.1.1.1%d0:5000
send src 239.1.1.1%s0:5000 --count 3000 --rate 6000
relay_stop
recv_clean sink 3000
recv_clean old 0
expect "relayed" "$(reported .totals.relayed)" 3000
expect "sent" "$(reported .totals.sent)" 3000
expect "bytes" "$(reported '.rules[0].received_bytes')" $((3000 * 1316))
