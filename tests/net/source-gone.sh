#!/bin/bash
# shellcheck disable=SC2034,SC2154
# The address that an output is to send from (src=) is removed while the relay runs: the output is
# degraded, by its reason, and what it is offered is counted; once the address is back, it is live
# and sends from it. Its neighbour, which leaves the choice to the kernel, loses nothing.
. "$(dirname "$0")/lib/story.sh"
story "an output whose source address is gone says so, and sends when it is back"
topo_line
ctl=$build_top/src/numacastctl
relay_control=$work/control
export NUMACAST_CONTROL=$relay_control
fixed="239.2.2.1%out0:6000"

state() {
    "$ctl" show outputs --json | jq -r --arg to "$fixed" '.outputs[] | select(.to == $to) | .state'
}
is() {
    [ "$(state)" = "$1" ]
}
tell() {
    send src 239.1.1.1%s0:5000 --count "$1" --rate 2000
    wait_for drained mid || fail "datagrams stay in the relay's sockets"
}

in_ns mid ip addr add 10.77.2.9/24 dev out0
relay_start --rule "239.1.1.1%in0:5000 -> $fixed src=10.77.2.9, 239.2.2.2%out0:6001"
recv_start fixed dst 239.2.2.1%d0:6000
recv_start free dst 239.2.2.2%d0:6001
expect "state with its address" "$(state)" live
tell 100

in_ns mid ip addr del 10.77.2.9/24 dev out0
wait_for is degraded || fail "an output without its source address is $(state)"
bounded "$ctl" health >"$work/health"
expect "status of health without the address" $? 1
expect_words "why" "$work/health" \
    "output $fixed: degraded: its source address (src=) is gone"
tell 200

in_ns mid ip addr add 10.77.2.9/24 dev out0
wait_for is live || fail "an output whose source address is back is $(state)"
bounded "$ctl" health >/dev/null
expect "status of health with the address" $? 0
tell 300
relay_stop
recv_clean free 600
recv_stop fixed
expect "received by way of the address" "$(got fixed .total.received)" 400
sources=$(got fixed '[.flows[].source | sub(":.*"; "")] | unique | join(" ")')
expect "its sources" "$sources" 10.77.2.9
at=".rules[0].flows[0].outputs[0]"
expect "offered, all in sent or drops" \
    "$(reported "$at | \"\(.offered) \(.sent + ([.drops[]] | add))\"")" "600 600"
expect "lost without the address" "$(reported "$at | [.drops[]] | add")" 200
