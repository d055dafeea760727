#!/bin/bash
# also: trains fast
# One rule, IPv6: the group and the port are rewritten, and the old group does not cross.
. "$(dirname "$0")/lib/story.sh"
story "an IPv6 group and port are rewritten"
topo_line
relay_start --rule "[ff15::101%in0]:5000 -> [ff18::202%out0]:6000"
recv_start sink dst "[ff18::202%d0]:6000"
recv_start old dst "[ff15::101%d0]:5000"
send src "[ff15::101%s0]:5000" --count 3000 --rate 6000
relay_stop
recv_clean sink 3000
recv_clean old 0
expect "relayed" "$(reported .totals.relayed)" 3000
expect "sent" "$(reported .totals.sent)" 3000
