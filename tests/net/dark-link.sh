#!/bin/bash
# also: fast
# shellcheck disable=SC2034,SC2154
# A cable is pulled behind an output. The kernel takes whatever is sent there and loses it without a
# word, so the relay says and counts what is lost, and sends again when there is a carrier.
. "$(dirname "$0")/lib/story.sh"
story "what is sent to a link without a carrier is counted, and not called sent"
to_and_fro
topo_line
wire 3 mid aux0 dst daux
relay_control=$work/control
export NUMACAST_CONTROL=$relay_control
dark="239.2.2.1%out0:6000"

# state: of the output behind which the cable is pulled.
state() {
    "$ctl" show outputs --json | jq -r --arg to "$dark" '.outputs[] | select(.to == $to) | .state'
}
is() {
    [ "$(state)" = "$1" ]
}

relay_start --rule "239.1.1.1%in0:5000 -> $dark, 239.2.2.1%aux0:6000" \
    --rule "[ff1e::1%in0]:5000 -> [ff1e::2%out0]:6000"
recv_start whole dst 239.2.2.1%daux:6000
recv_start cut dst 239.2.2.1%d0:6000
send_both() {
    send src 239.1.1.1%s0:5000 --count 1000 --rate 4000
    send src "[ff1e::1%s0]:5000" --count 500 --rate 4000
    relay_settle
}
send_both
bounded "$ctl" health >/dev/null
expect "status of health with all links" $? 0

in_ns dst ip link set d0 down
wait_for is degraded || fail "an output without a carrier is $(state)"
bounded "$ctl" health >"$work/health"
expect "status of health without a link" $? 1
expect_words "why" "$work/health" "output $dark: degraded: the link of its interface is down"
send_both

in_ns dst ip link set d0 up
wait_for is live || fail "an output that has its carrier again is $(state)"
in_ns dst ip -6 addr add fd77:2::2/64 dev d0 nodad 2>/dev/null
send_both
relay_stop
recv_stop whole
recv_stop cut
expect "the other output: received" "$(got whole .total.received)" 3000
fields='[.received, .duplicated, .reordered] | join(" ")'
expect "received, doubled, out of order behind the cable" "$(got cut ".total | $fields")" "2000 0 0"
for to in "$dark" "[ff1e::2%out0]:6000"; do
    count=$([ "$to" = "$dark" ] && echo 1000 || echo 500)
    told="[.. | objects | select(.to? == \"$to\") | \"\(.sent) \(.drops.link_down)\"] | first"
    expect "$to: sent, lost with the link" "$(reported "$told")" "$((2 * count)) $count"
done
