#!/bin/bash
# The address that an output sends from goes away while the relay runs, and another one comes, as
# with DHCP: every output goes on, from the new one. And what an interface that is down, or gone,
# costs is counted as that.
. "$(dirname "$0")/lib/story.sh"
story "outputs survive a change of their source address"
topo_line
relay_start \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000, 10.77.2.2:6001, 10.77.2.2%out0:6002" \
    --rule "[ff15::1%in0]:5000 -> [ff15::2%out0]:6000, [fd77:2::2]:6001, [fd77:2::2%out0]:6002"
sinks=(239.2.2.2%d0:6000 10.77.2.2:6001 10.77.2.2:6002
    "[ff15::2%d0]:6000" "[fd77:2::2]:6001" "[fd77:2::2]:6002")

# tell COUNT: datagrams to both rules.
tell() {
    send src 239.1.1.1%s0:5000 --count "$1" --rate 1000
    send src "[ff15::1%s0]:5000" --count "$1" --rate 1000
}

# heard FROM4 FROM6: whether every output is heard from these addresses now.
heard() {
    local i all=0
    for i in "${!sinks[@]}"; do
        recv_start "now$i" dst "${sinks[$i]}"
    done
    tell 20
    relay_settle
    for i in "${!sinks[@]}"; do
        recv_stop "now$i"
        sources=$(got "now$i" '[.flows[].source] | unique | join(" ")')
        [[ $sources = *"$1"* || $sources = *"$2"* ]] && [ "$(got "now$i" .total.received)" = 20 ] ||
            all=1
    done
    return $all
}

heard 10.77.2.1 fd77:2::1 || fail "not every output is heard at first"
in_ns mid ip addr add 10.77.2.9/24 dev out0
in_ns mid ip -6 addr add fd77:2::9/64 dev out0 nodad
in_ns mid ip addr del 10.77.2.1/24 dev out0
in_ns mid ip -6 addr del fd77:2::1/64 dev out0
in_ns mid ip addr replace 10.77.2.9/24 dev out0
wait_for heard 10.77.2.9 fd77:2::9 || fail "not every output goes on from the new address"

in_ns mid ip link set out0 down
tell 2500
relay_settle
in_ns mid ip link del out0
tell 50
relay_stop
for to in "239.2.2.2%out0:6000" "[ff15::2%out0]:6000"; do
    expect_words "the loss is told" "$daemon_log" \
        "output $to: everything that it is to send is lost: the link of its interface is down"
done
for rule in 0 1; do
    for output in 0 2; do
        at=".rules[$rule].flows[0].outputs[$output]"
        expect "$(reported "$at.to"): lost with the link" "$(reported "$at.drops.link_down")" 2550
    done
    # One that names no interface asks the kernel all the while, and is told why not.
    at=".rules[$rule].flows[0].outputs[1]"
    expect_cmp "$(reported "$at.to"): errno of the last" "$(reported "$at.send_errno")" -gt 0
done
