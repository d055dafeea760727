#!/bin/bash
# also: trains
# local=yes: receivers on the relay's own host hear the group, and nobody is relayed his own echo.
. "$(dirname "$0")/lib/story.sh"
story "local receivers hear the group"
topo_line
relay_start \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6001 local=yes, 239.2.2.2%out0:6002" \
    --rule "239.2.2.1%out0:6001 -> 239.1.1.1%in0:5000 local=yes" \
    --rule "[ff15::1%in0]:5000 -> [ff15::2%out0]:6001 local=yes, [ff15::3%out0]:6002"
recv_start here mid 239.2.2.1%out0:6001
recv_start there dst 239.2.2.1%d0:6001
recv_start not-here mid 239.2.2.2%out0:6002
recv_start here6 mid "[ff15::2%out0]:6001"
recv_start there6 dst "[ff15::2%d0]:6001"
recv_start not-here6 mid "[ff15::3%out0]:6002"
send src 239.1.1.1%s0:5000 --count 1000 --rate 5000
send src "[ff15::1%s0]:5000" --count 1000 --rate 5000
relay_stop
recv_clean here 1000
recv_clean there 1000
recv_clean not-here 0
recv_clean here6 1000
recv_clean there6 1000
recv_clean not-here6 0
expect "our own, heard again" "$(reported .totals.drops.loop)" 1000
