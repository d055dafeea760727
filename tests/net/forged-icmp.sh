#!/bin/bash
# also: trains
# Anybody behind an output can send the relay ICMP errors, true or forged, a thousand and more a
# second. No datagram is lost for them, and no output stops sending trains.
. "$(dirname "$0")/lib/story.sh"
story "ICMP errors, forged by the thousand, cost nothing"
topo_line
in_ns dst sysctl -qw net.ipv4.icmp_ratelimit=0
relay_control=$work/control
relay_start --rcvbuf 64M \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000 sport=7000, 10.77.2.2:6001 sport=7001,
        239.2.2.3%out0:6002 sport=7002 src=keep" \
    --rule "[ff15::1%in0]:5000 -> [ff15::2%out0]:6000 sport=7000, [fd77:2::2]:6001 sport=7001"

# With sanitizers everybody is so slow that the kernel's own queue between two interfaces would run
# over at such rates.
count=8000 rate=4000 pause_s=0.0005
grep -q 'NC_BUILD_SANITIZERS "no"' "$build_top/config.h" || count=3000 rate=1500 pause_s=0.0015

r4=10.77.2.1 r6=fd77:2::1 # the relay, as its receivers see it
errors=("$r4,$r4,7000,239.2.2.2,6000" "$r4,$r4,7001,10.77.2.2,6001"
    "$r4,$r4,7002,239.2.2.3,6002" "$r4,10.77.1.1,7002,239.2.2.3,6002"
    "$r6,$r6,7000,ff15::2,6000" "$r6,$r6,7001,fd77:2::2,6001")

recv_start group4 dst 239.2.2.2%d0:6000
recv_start host4 dst 10.77.2.2:6001
recv_start kept4 dst 239.2.2.3%d0:6002
recv_start group6 dst "[ff15::2%d0]:6000"
recv_start host6 dst "[fd77:2::2]:6001"
start_in dst python3 "$src_top/tests/net/lib/forge.py" 1000000 "$pause_s" "${errors[@]}" \
    2>"$work/forge.log"
forger=$started

# The first error finds an output that has sent ahead of it, so it comes while there is little to
# send.
is_wary() {
    count=$((count + 1))
    send src 239.1.1.1%s0:5000 --count 1
    send src "[ff15::1%s0]:5000" --count 1
    relay_settle
    "$ctl" --control "$relay_control" show outputs --json |
        jq -e '[.outputs[] | select(.to | test("6001")).icmp_errors > 0] | all' >/dev/null
}
many=$count
wait_for is_wary || fail "no error finds the outputs to one host"
send src 239.1.1.1%s0:5000 --count "$many" --rate "$rate" &
send4=$!
in_ns src "$probe" send --quiet --no-loop "${send_extra[@]}" "[ff15::1%s0]:5000" --count "$many" \
    --rate "$rate" >/dev/null 2>>"$work/send6.log"
wait "$send4"
alive "$forger" || fail "the errors ended before the datagrams"
stop "$forger"
relay_stop
for sink in group4 kept4 group6; do
    recv_clean "$sink" "$count"
done

# An output to one host sends again what an error has hit. Only what was overtaken already when the
# first error came, or the first for a second, is not sent again, and counted: nothing here, but for
# a build with sanitizers, which is so slow that a turn has a tenth of a second in flight.
overtaken=0
grep -q 'NC_BUILD_SANITIZERS "no"' "$build_top/config.h" || overtaken=400
for rule in 0 1; do
    sink=host$((4 + 2 * rule))
    hit=$(reported ".rules[$rule].flows[0].outputs[1].drops.unreachable")
    expect_cmp "$sink: not sent again" "$hit" -le "$overtaken"
    recv_stop "$sink"
    fields='[.received, .lost, .duplicated, .reordered, .corrupt, .cut]'
    expect "$sink: received, lost, duplicated, reordered, corrupt, cut" \
        "$(got "$sink" ".total | $fields | join(\" \")")" "$((count - hit)) $hit 0 0 0 0"
done

# Those to many hosts, and those with a kept source, were not even found by them.
hidden='[.rules[].flows[].outputs[] | select(.to | test("6001") | not)]'
expect "outputs to many, or with a kept source" "$(reported "$hidden | length")" 3
expect "of these, gave up trains" "$(reported "$hidden | map(select(.gso_off != 0)) | length")" 0
expect "of these, datagrams resent one by one" "$(reported "$hidden | map(.resent) | add")" 0
expect "of these, ICMP errors that came in" "$(reported "$hidden | map(.icmp_errors) | add")" 0
expect_cmp "ICMP errors that found the output to one host" \
    "$(reported '.rules[0].flows[0].outputs[1].icmp_errors')" -gt 100
