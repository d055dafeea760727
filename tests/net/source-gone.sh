#!/bin/bash
# shellcheck disable=SC2034,SC2154
# Outputs that are to send from an address which this host has not got yet (src=), as that of
# another machine which may fail: they stand by, healthy, and what they are offered is counted as
# no_source; once the address is there they send from it, and stand by again when it has gone. A
# neighbour that leaves the choice to the kernel loses nothing. IPv4 and IPv6, groups and hosts; the
# host's hardware address is known before the first datagram. A file tells the health of it all.
. "$(dirname "$0")/lib/story.sh"
story "an output whose source address is not here stands by until it comes"
topo_line
relay_control=$work/control
export NUMACAST_CONTROL=$relay_control
four=239.2.2.1%out0:6000 host=10.77.2.2:6002 six='[ff3e::8000:2%out0]:6003'

# states: of the outputs with src=, in one word when they are alike.
states() {
    "$ctl" show outputs --json |
        jq -r '[.outputs[] | select(.to != "239.2.2.2%out0:6001") | .state] | unique | join(" ")'
}
are() {
    [ "$(states)" = "$1" ]
}
says() {
    [ "$(cat "$work/health")" = "$1" ]
}
# status PAGE: with what status it is answered.
status() {
    in_ns mid curl -s -m 20 -o /dev/null -w '%{http_code}' "http://127.0.0.1:9469/$1"
}
knows_neighbour() {
    in_ns mid ip neigh show 10.77.2.2 dev out0 | grep -q lladdr
}
tell() {
    send src 239.1.1.1%s0:5000 --count "$1" --rate 2000
    send src "[ff3e::8000:1%s0]:5000" --count "$1" --rate 2000
    relay_settle
}

relay_start --health-file "$work/health" --metrics 127.0.0.1:9469 \
    --rule "239.1.1.1%in0:5000 name=r -> $four src=10.77.2.9, 239.2.2.2%out0:6001, \
        $host src=10.77.2.9" \
    --rule "[ff3e::8000:1%in0]:5000 -> $six src=fd77:2::9"
recv_start four dst 239.2.2.1%d0:6000
recv_start host dst 10.77.2.2:6002
recv_start six dst "[ff3e::8000:2%d0]:6003"
recv_start free dst 239.2.2.2%d0:6001
wait_for are standby || fail "outputs without their source address are $(states)"
wait_for says 0 || fail "the health file says $(cat "$work/health")"
bounded "$ctl" health >/dev/null
expect "status of health without the address" $? 0
expect "/healthz and /readyz without the address" "$(status healthz) $(status readyz)" "200 200"
wait_for knows_neighbour || fail "the neighbour is not resolved in advance"
tell 100

in_ns mid ip addr add 10.77.2.9/32 dev out0
in_ns mid ip -6 addr add fd77:2::9/128 dev out0 nodad
wait_for are live || fail "outputs whose source address has come are $(states)"
tell 200

in_ns mid ip addr del 10.77.2.9/32 dev out0
in_ns mid ip -6 addr del fd77:2::9/128 dev out0
wait_for are standby || fail "outputs whose source address has gone are $(states)"
tell 300
in_ns mid ip link set in0 down
wait_for says 1 || fail "the health file says $(cat "$work/health") without a link"
expect "/healthz without a link" "$(status healthz)" 200
expect "/readyz without a link" "$(status readyz)" 503
bounded "$ctl" health >/dev/null
expect "status of health without a link" $? 1
in_ns mid ip link set in0 up
wait_for says 0 || fail "the health file says $(cat "$work/health") with its link"
relay_stop
expect "the health file after the end" "$(cat "$work/health")" 1
recv_clean free 600
for sink in four host six; do
    recv_stop $sink
    expect "$sink: received by way of the address" "$(got $sink .total.received)" 200
done
sources=$(for sink in four host six; do got $sink '.flows[].source'; done |
    sed 's/:[0-9]*$//' | sort -u | xargs)
expect "their sources" "$sources" "10.77.2.9 [fd77:2::9]"
lost=$(reported '[.rules[].flows[].outputs[] | select(.to != "239.2.2.2%out0:6001") |
    "\(.offered) \(.sent) \(.drops.no_source)"] | unique | join(", ")')
expect "offered, sent, without a source" "$lost" "600 200 400"
