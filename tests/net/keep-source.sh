#!/bin/bash
# src=keep: the original sender's address stands on what the relay sends, as if it only forwarded.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/capture.sh"
story "the source address is kept"
topo_line
relay_start \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6001 src=keep" \
    --rule "[ff15::1%in0]:5000 -> [ff18::1%out0]:6001 src=keep" \
    --rule "239.1.1.9%in0:5009 -> 239.1.1.9%out0:5009 src=keep sport=7009"
background src 239.1.1.1%s0:5000 --source 10.77.1.1
background src "[ff15::1%s0]:5000" --source fd77:1::1
capture dst d0 "ip and udp port 6001" 5
expect "IPv4 source" "$(captured 6001 ip.src ip.dst)" "10.77.1.1 239.2.2.1"
capture dst d0 "ip6 and udp port 6001" 5
expect "IPv6 source" "$(captured 6001 ipv6.src ipv6.dst)" "fd77:1::1 ff18::1"
background_stop

# Nothing at all is changed: group, port, source and source port. The relay must not take the
# source's datagrams for its own because its output has their port.
background src 239.1.1.9%s0:5009 --source 10.77.1.1 --source-port 7009
capture dst d0 "ip and udp port 5009" 5
expect "transparent" "$(captured 5009 ip.src ip.dst udp.srcport)" "10.77.1.1 239.1.1.9 7009"
background_stop
relay_stop
