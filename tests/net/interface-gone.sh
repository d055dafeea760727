#!/bin/bash
# also: part-fast
# Interfaces are deleted and made anew, and renamed, under rules that relay: what stands on them
# waits, and relays again when the interface is up, with its counters going on and every datagram
# accounted for. What stands elsewhere is not touched.
. "$(dirname "$0")/lib/story.sh"
story "an interface goes and comes back under traffic"
to_and_fro
topo_line
wire 3 mid aux0 dst daux
wire 4 src s1 mid in1

# flow SELECT EXPRESSION: of the flow of that ingress, by jq, from the exit report.
flow() {
    reported ".rules[].flows[] | select(.ingress == \"$1\") | $2"
}
output() {
    reported ".rules[].flows[].outputs[] | select(.to == \"$1\") | $2"
}
says() {
    grep -qF "$1" "$daemon_log"
}
live_count() {
    [ "$(grep -cF "$1: live" "$daemon_log")" -ge "$2" ]
}
# again WHAT COUNT SINCE_NS: is live for the COUNTth time. How long that took is said, and no more:
# what the test itself needs to look is in it, and the machine may be busy.
again() {
    wait_for live_count "$1" "$2" || fail "$1 does not become live again"
    echo "$1 is live again after $((($(date +%s%N) - $3) / 1000000)) ms"
}

relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6001, 239.2.2.2%aux0:6002,
        10.77.3.2%aux0:6003" \
    --rule "[ff1e::1%in1]:5000 -> [ff1e::2%aux0]:6010, [ff1e::3%out0]:6011"
recv_start kept dst 239.2.2.1%d0:6001
start_in src "$probe" send --quiet --json --no-loop "${send_extra[@]}" 239.1.1.1%s0:5000 \
    --rate "$(rate_of 2000)" --duration 600 >"$work/all.sent" 2>"$work/all.log"
sender=$started
start_in src "$probe" send --quiet --json --no-loop "[ff1e::1%s1]:5000" --rate 1000 \
    --duration 600 >"$work/six.sent" 2>"$work/six.log"
six=$started

# Deleted and made anew, with another index, while both rules send by it.
in_ns mid ip link del aux0
wait_for says "239.2.2.2%aux0:6002: pending: interface aux0 does not exist" ||
    fail "an output whose interface has gone is not pending"
wait_for says "[ff1e::2%aux0]:6010: pending: interface aux0 does not exist" ||
    fail "an IPv6 output whose interface has gone is not pending"
wire 3 mid aux0 dst daux
back=$(date +%s%N)
again 239.2.2.2%aux0:6002 1 "$back"
again "[ff1e::2%aux0]:6010" 1 "$back"
again 10.77.3.2%aux0:6003 1 "$back"
recv_start two dst 239.2.2.2%daux:6002
recv_start three dst 10.77.3.2:6003
recv_start four dst "[ff1e::2%daux]:6010"

# An ingress: deleted, made anew, and then renamed there and back, once the last receiver has heard
# of the rule.
four_has_heard() {
    [ "$(in_ns dst nstat -asz Udp6InDatagrams | awk '/^Udp6/ { print $2 }')" -gt 0 ]
}
wait_for four_has_heard || fail "nothing reaches the interface that is back"
kill -TERM "$six"
wait_end "$six"
relay_settle
before=$(jq -r .sent "$work/six.sent")
in_ns mid ip link del in1
wait_for says "[ff1e::1%in1]:5000: pending: interface in1 does not exist" ||
    fail "a flow whose interface has gone is not pending"
wire 4 src s1 mid in1
again "[ff1e::1%in1]:5000" 1 "$(date +%s%N)"
send src "[ff1e::1%s1]:5000" --count 300 --rate 2000
relay_settle
in_ns mid ip link set in1 down
in_ns mid ip link set in1 name gone1
in_ns mid ip link set gone1 up
closed() {
    [ "$(grep -cF "[ff1e::1%in1]:5000: pending" "$daemon_log")" -ge 2 ]
}
wait_for closed || fail "a flow whose interface was renamed is not pending"
in_ns mid ip link set gone1 down
in_ns mid ip link set gone1 name in1
in_ns mid ip link set in1 up
in_ns mid ip -6 addr add fd77:4::2/64 dev in1 nodad
again "[ff1e::1%in1]:5000" 2 "$(date +%s%N)"
wait_for carrier mid in1 || fail_now "in1 does not come up"
wait_for carrier src s1 || fail_now "s1 does not come up"
send src "[ff1e::1%s1]:5000" --count 200 --rate 2000

kill -TERM "$sender"
wait_end "$sender"
relay_settle
in_ns mid ip link set in1 down
send src 239.1.1.1%s0:5000 --count 100 --rate 2000
relay_stop
total=$(($(jq -r .sent "$work/all.sent") + 100))
recv_clean kept "$total"
expect "the IPv6 flow: received, state" \
    "$(flow "[ff1e::1%in1]:5000" '"\(.received) \(.state)"')" "$((before + 500)) degraded"
expect "why" "$(flow "[ff1e::1%in1]:5000" .reason)" "the link of its interface is down"
for to in 239.2.2.2%aux0:6002 10.77.3.2%aux0:6003; do
    expect "$to: offered, all in sent or drops" \
        "$(output "$to" '"\(.offered) \(.sent + ([.drops[]] | add))"')" "$total $total"
    expect_cmp "$to: lost with the link" "$(output "$to" .drops.link_down)" -gt 0
    expect_cmp "$to: sent after it was back" "$(output "$to" .sent)" -gt 0
    expect "$to: state" "$(output "$to" .state)" live
done
for name in two three; do
    recv_stop "$name"
    expect "$name: received of the last, lost, duplicated, reordered" \
        "$(for of in received lost duplicated reordered; do last_got "$name" "$of"; done |
            tr '\n' ' ')" "100 0 0 0 "
done
recv_stop four
expect_cmp "four was reached when the interface was back" "$(got four .total.received)" -gt 500
expect "four: duplicated, reordered" "$(got four '.total | "\(.duplicated) \(.reordered)"')" "0 0"
