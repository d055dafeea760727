#!/bin/bash
# also: part-fast
# What the egress options promise, as tshark sees it behind the relay: TTL, DSCP, addresses, ports.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/capture.sh"
story "TTL, DSCP, source and destination are as asked"
topo_line
in_ns mid ip addr add 10.77.2.9/24 dev out0
in_ns mid ip -6 addr add fd77:2::9/64 dev out0 nodad preferred_lft 0
relay_start \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6001, 239.2.2.2%out0:6002 ttl=7 dscp=ef
        src=10.77.2.9 sport=7777, 239.2.2.3%out0:6003 ttl=keep dscp=keep,
        239.2.2.4%out0:6004 ttl=dec, 10.77.2.2%out0:6005 ttl=9 dscp=10" \
    --rule "[ff15::1%in0]:5000 -> [ff18::1%out0]:6001, [ff18::2%out0]:6002 ttl=7 dscp=ef
        src=fd77:2::9 sport=7777, [ff18::3%out0]:6003 ttl=keep dscp=keep,
        [ff18::4%out0]:6004 ttl=dec"
background src 239.1.1.1%s0:5000 --ttl 33 --dscp af41 --source 10.77.1.1
background src "[ff15::1%s0]:5000" --ttl 33 --dscp af41 --source fd77:1::1

capture dst d0 "ip and udp portrange 6001-6005" 60
expect "output with defaults" "$(captured 6001 ip.src ip.dst ip.ttl ip.dsfield.dscp)" \
    "10.77.2.1 239.2.2.1 16 0"
expect "ttl=7 dscp=ef src= sport=" \
    "$(captured 6002 ip.src ip.dst ip.ttl ip.dsfield.dscp udp.srcport)" \
    "10.77.2.9 239.2.2.2 7 46 7777"
expect "ttl=keep dscp=keep" "$(captured 6003 ip.dst ip.ttl ip.dsfield.dscp)" "239.2.2.3 33 34"
expect "ttl=dec" "$(captured 6004 ip.dst ip.ttl ip.dsfield.dscp)" "239.2.2.4 32 0"
expect "unicast, ttl=9 dscp=10" "$(captured 6005 ip.dst ip.ttl ip.dsfield.dscp)" "10.77.2.2 9 10"

capture dst d0 "ip6 and udp portrange 6001-6005" 60
expect "IPv6 with defaults" "$(captured 6001 ipv6.src ipv6.dst ipv6.hlim ipv6.tclass.dscp)" \
    "fd77:2::1 ff18::1 16 0"
expect "IPv6 ttl=7 dscp=ef src= sport=" \
    "$(captured 6002 ipv6.src ipv6.dst ipv6.hlim ipv6.tclass.dscp udp.srcport)" \
    "fd77:2::9 ff18::2 7 46 7777"
expect "IPv6 ttl=keep dscp=keep" "$(captured 6003 ipv6.dst ipv6.hlim ipv6.tclass.dscp)" \
    "ff18::3 33 34"
expect "IPv6 ttl=dec" "$(captured 6004 ipv6.dst ipv6.hlim ipv6.tclass.dscp)" "ff18::4 32 0"
background_stop
relay_stop
