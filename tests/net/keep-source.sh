#!/bin/bash
# also: trains part-fast
# src=keep: the original sender's address stands on what the relay sends, as if it only forwarded;
# with sport=keep its port does, too, for any number of senders and sizes.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/capture.sh"
story "the source address is kept"
topo_line
relay_start \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6001 src=keep" \
    --rule "[ff15::1%in0]:5000 -> [ff18::1%out0]:6001 src=keep" \
    --rule "239.1.1.2%in0:5000 -> 239.2.2.2%out0:6002 src=keep sport=keep ttl=7 dscp=ef,
        10.77.2.2:6003 src=keep sport=keep" \
    --rule "[ff15::2%in0]:5000 -> [ff18::2%out0]:6002 src=keep sport=keep ttl=7 dscp=ef,
        [fd77:2::2]:6003 src=keep sport=keep" \
    --rule "239.1.1.9%in0:5009 -> 239.1.1.9%out0:5009 src=keep sport=7009"
background src 239.1.1.1%s0:5000 --source 10.77.1.1
background src "[ff15::1%s0]:5000" --source fd77:1::1
capture dst d0 "ip and udp port 6001" 5
expect "IPv4 source" "$(captured 6001 ip.src ip.dst)" "10.77.1.1 239.2.2.1"
capture dst d0 "ip6 and udp port 6001" 5
expect "IPv6 source" "$(captured 6001 ipv6.src ipv6.dst)" "fd77:1::1 ff18::1"
background_stop

# Each sender's port; 0 is the third's, which the kernel chooses.
for port in 7001 7002; do
    background src 239.1.1.2%s0:5000 --source 10.77.1.1 --source-port $port
    background src "[ff15::2%s0]:5000" --source fd77:1::1 --source-port $port
done
capture dst d0 "ip and udp port 6002" 10
expect "IPv4 source and port" "$(captured 6002 ip.src ip.dst udp.srcport ip.ttl ip.dsfield.dscp)" \
    $'10.77.1.1 239.2.2.2 7001 7 46\n10.77.1.1 239.2.2.2 7002 7 46'
capture dst d0 "ip6 and udp port 6002" 10
expect "IPv6 source and port" \
    "$(captured 6002 ipv6.src ipv6.dst udp.srcport ipv6.hlim ipv6.tclass.dscp)" \
    $'fd77:1::1 ff18::2 7001 7 46\nfd77:1::1 ff18::2 7002 7 46'
background_stop
relay_settle # or the receivers get some of these
for name in group host; do
    to=239.2.2.2%d0:6002 to6="[ff18::2%d0]:6002"
    [ $name = group ] || to=10.77.2.2:6003 to6="[fd77:2::2]:6003"
    recv_start $name dst "$to" --rcvbuf 64000000
    recv_start ${name}6 dst "$to6" --rcvbuf 64000000
done
extra=("${send_extra[@]}")
send_extra=() # trains are of one size
# Checksums must be right, or the receiver's kernel drops them; larger ones go in fragments.
send src 239.1.1.2%s0:5000 --source 10.77.1.1 --count 1000 --rate 2000 --size 24-3000
send src "[ff15::2%s0]:5000" --source fd77:1::1 --count 1000 --rate 2000 --size 24-3000
send_extra=("${extra[@]}")
send src 239.1.1.2%s0:5000 --source 10.77.1.1 --count 800 --rate 4000
for name in group host; do
    recv_clean $name 1800
    recv_clean ${name}6 1000
done

# Nothing at all is changed: group, port, source and source port. The relay must not take the
# source's datagrams for its own because its output has their port.
background src 239.1.1.9%s0:5009 --source 10.77.1.1 --source-port 7009
capture dst d0 "ip and udp port 5009" 5
expect "transparent" "$(captured 5009 ip.src ip.dst udp.srcport)" "10.77.1.1 239.1.1.9 7009"
background_stop
relay_stop
