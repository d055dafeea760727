#!/bin/bash
# also: trains
# Senders of one unicast port are told apart, a prefix of them and the rest included; and an ingress
# may be any address of an interface.
. "$(dirname "$0")/lib/story.sh"
story "one unicast port, other collectors for other senders"
topo_line
for host in 8 9; do
    in_ns src ip addr add "10.77.1.$host/24" dev s0
    in_ns src ip -6 addr add "fd77:1::$host/64" dev s0 nodad
done
relay_start \
    --rule "10.77.1.1@10.77.1.2:2100 -> 10.77.2.2:6000" \
    --rule "10.77.1.9@10.77.1.2:2100 -> 10.77.2.2:6000, 10.77.2.2:6001" \
    --rule "10.77.1.2:2100 -> 10.77.2.2:6002" \
    --rule "[fd77:1::1]@[fd77:1::2%in0]:2100 -> [fd77:2::2]:6000" \
    --rule "[fd77:1::8/126]@[fd77:1::2%in0]:2100 -> [fd77:2::2]:6001" \
    --rule "any%in0:2101 -> 10.77.2.2:6003" \
    --rule "10.77.1.8/31@any%in0:2102 -> 10.77.2.2:6004" \
    --rule "[any%in0]:2101 -> [fd77:2::2]:6003"
for port in 6000 6001 6002 6003 6004; do
    recv_start "v4-$port" dst "10.77.2.2:$port"
done
for port in 6000 6001 6003; do
    recv_start "v6-$port" dst "[fd77:2::2]:$port"
done
send src 10.77.1.2:2100 --source 10.77.1.1 --count 800 --rate 4000
send src 10.77.1.2:2100 --source 10.77.1.9 --count 400 --rate 4000
send src 10.77.1.2:2100 --source 10.77.1.8 --count 160 --rate 4000
send src "[fd77:1::2]:2100" --source fd77:1::1 --count 320 --rate 4000
send src "[fd77:1::2]:2100" --source fd77:1::9 --count 240 --rate 4000
send src 10.77.1.2:2101 --source 10.77.1.1 --count 480 --rate 4000
send src 10.77.1.2:2102 --source 10.77.1.9 --count 560 --rate 4000
send src 10.77.1.2:2102 --source 10.77.1.1 --count 80 --rate 4000
send src "[fd77:1::2]:2101" --source fd77:1::1 --count 640 --rate 4000
# An address that comes later is one of the interface, too.
in_ns mid ip addr add 10.77.1.77/24 dev in0
send src 10.77.1.77:2101 --source 10.77.1.1 --count 240 --rate 4000
relay_stop
for port in 6000 6001 6002 6003 6004; do
    recv_stop "v4-$port"
done
for port in 6000 6001 6003; do
    recv_stop "v6-$port"
done
expect "first collector" "$(got v4-6000 .total.received)" 1200
expect "second collector" "$(got v4-6001 .total.received)" 400
expect "the rest" "$(got v4-6002 .total.received)" 160
expect "any address" "$(got v4-6003 .total.received)" 720
expect "any address, from a prefix" "$(got v4-6004 .total.received)" 560
expect "IPv6, by its source" "$(got v6-6000 .total.received)" 320
expect "IPv6, by its prefix" "$(got v6-6001 .total.received)" 240
expect "IPv6, any address" "$(got v6-6003 .total.received)" 640
expect "not of the prefix" "$(reported '.rules[6].flows[0].drops.foreign')" 80
expect "sources" "$(reported '[.rules[].flows[] | .source // "-"] | join(" ")')" \
    "10.77.1.1 10.77.1.9 - fd77:1::1 fd77:1::8/126 - 10.77.1.8/31 -"
