#!/bin/bash
# also: trains
# A router on the way has a link behind it that carries 1300 bytes. Whatever the output - to a group
# or a host, with its own or a kept source, IPv4 or IPv6, in singles or in trains - everything
# arrives; only df=on forbids to cut up what does not fit.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/capture.sh"
story "a narrower link on the way loses nothing"
ns_add src mid hop dst
wire 1 src s0 mid in0
wire 2 mid out0 hop r0
wire 3 hop r1 dst d0
in_ns src ip route add 224.0.0.0/4 dev s0
in_ns dst ip route add 224.0.0.0/4 dev d0
in_ns hop ip link set r1 mtu 1300
in_ns dst ip link set d0 mtu 1300
# On a real wire trains are cut up; here they would reach the router whole, which takes them for
# large datagrams when it forwards multicast.
in_ns mid ethtool -K out0 tx-udp-segmentation off >"$work/ethtool.log"
in_ns hop sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
in_ns mid ip route add 10.77.3.0/24 via 10.77.2.2
in_ns mid ip -6 route add fd77:3::/64 via fd77:2::2
in_ns dst ip route add default via 10.77.3.1
in_ns dst ip -6 route add default via fd77:3::1
# What nobody tells the relay of in IPv6, its routes have to say.
in_ns mid ip -6 route add fd77:3::3 via fd77:2::2 mtu 1300
in_ns mid ip -6 route add ff1e::/16 dev out0 table local mtu 1300
in_ns dst ip -6 addr add fd77:3::3/64 dev d0 nodad
in_ns hop ip route add 10.77.1.0/24 via 10.77.2.1
in_ns hop ip -6 route add fd77:1::/64 via fd77:2::1
wait_for in_ns hop test -e /proc/net/ip_mr_vif || skip "this kernel forwards no multicast"
start_in hop python3 "$src_top/tests/net/lib/mroute.py" r0 r1 \
    10.77.2.1,239.2.2.2 10.77.1.1,239.2.2.3 10.77.2.1,239.2.2.4 fd77:2::1,ff1e::2 \
    fd77:1::1,ff1e::3 fd77:2::1,ff1d::4 \
    >"$work/mroute.out" 2>"$work/mroute.log"
wait_up "$started" grep -q ready "$work/mroute.out" || fail_now "no multicast routes"

relay_start \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000, 239.2.2.3%out0:6001 src=keep,
        10.77.3.2:6002, 10.77.3.2:6003 src=keep, 239.2.2.4%out0:6004 df=on mtu=1300" \
    --rule "[ff15::1%in0]:5000 -> [ff1e::2%out0]:6000 mtu=1300, [ff1e::3%out0]:6001 src=keep,
        [fd77:3::2]:6002, [fd77:3::3]:6003 src=keep, [ff1d::4%out0]:6004 mtu=1300"
sinks=()
sink() { # NAME ENDPOINT
    recv_start "$1" dst "$2"
    sinks+=("$1")
}
sink group4 239.2.2.2%d0:6000
sink kept-group4 239.2.2.3%d0:6001
sink host4 10.77.3.2:6002
sink kept-host4 10.77.3.2:6003
sink group6 "[ff1e::2%d0]:6000"
sink kept-group6 "[ff1e::3%d0]:6001"
sink kept-host6 "[fd77:3::3]:6003"
recv_start host6 dst "[fd77:3::2]:6002"
recv_start whole4 dst 239.2.2.4%d0:6004
recv_start whole6 dst "[ff1d::4%d0]:6004"

# Whoever cuts up: what leaves the relay may be cut up, each datagram and each train.
background src 239.1.1.1%s0:5000 --source 10.77.1.1 --size 1400
for port in 6000 6001 6002 6003; do
    capture hop r0 "ip and udp port $port" 3
    expect "DF of what goes to port $port" "$(captured "$port" ip.flags.df | sed s/False/0/)" 0
done
background_stop
relay_settle

# In IPv6 the sender has to learn that the path is narrower, by datagrams that are lost.
learning=0
has_learnt() {
    learning=$((learning + 1))
    send src "[ff15::1%s0]:5000" --source fd77:1::1 --count 1 --size 1400
    relay_settle
    in_ns mid ip -6 route get fd77:3::2 | grep -q "mtu 1300"
}
wait_for has_learnt || fail "nobody tells of the narrower path"

for size in 1400 1000; do
    send src 239.1.1.1%s0:5000 --source 10.77.1.1 --count 400 --rate 2000 --size "$size"
    send src "[ff15::1%s0]:5000" --source fd77:1::1 --count 400 --rate 2000 --size "$size"
done
relay_stop
for name in "${sinks[@]}"; do
    recv_stop "$name"
    expect "$name: lost, duplicated, corrupt, cut" \
        "$(got "$name" '.total | [.lost, .duplicated, .corrupt, .cut] | join(" ")')" "0 0 0 0"
    expect_cmp "$name: received" "$(got "$name" .total.received)" -ge 800
done
recv_stop host6
expect_cmp "host6: received" "$(got host6 .total.received)" -ge 800
outputs='[.rules[].flows[].outputs[]]'
expect "outputs that gave up trains" \
    "$(reported "$outputs | map(select(.gso_off != 0)) | length")" 0
expect "too big, where it may be cut up" \
    "$(reported "$outputs | map(select(.to | test(\"6004\") | not) | .drops.too_big // 0) | add")" 0
# What may not, or cannot, be cut up is not sent, and said so.
for name in whole4 whole6; do
    recv_stop "$name"
    expect "$name: received" "$(got "$name" .total.received)" 400
done
expect_cmp "whole4: too big" "$(reported '.rules[0].flows[0].outputs[4].drops.too_big')" -ge 400
expect "whole6: too big" "$(reported '.rules[1].flows[0].outputs[4].drops.too_big')" \
    $((400 + learning))
