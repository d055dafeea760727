#!/bin/bash
# Everyday tools on both ends: what socat sends, socat receives, IPv4 and IPv6.
. "$(dirname "$0")/lib/story.sh"
story "socat to socat"
command -v socat >/dev/null || skip "socat is not installed"
topo_line
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000" \
    --rule "[ff15::1%in0]:5000 -> [ff15::2%out0]:6000"

# listen NAME ADDRESS GROUP: socat in dst writes what it gets to $work/NAME.
listen() {
    start_in dst socat -u "$2" "CREATE:$work/$1" 2>>"$work/socat.log"
    wait_for joined "$3" || fail_now "socat does not join $3"
}

joined() {
    in_ns dst ip maddr show dev d0 | grep -q "$1"
}

# lines NAME: whether three lines have come.
lines() {
    [ "$(wc -l <"$work/$1")" -eq 3 ]
}

listen four "UDP4-RECV:6000,bind=239.2.2.2,ip-add-membership=239.2.2.2:d0" 239.2.2.2
listen six "UDP6-RECV:6000,ipv6only=1,ipv6-join-group=[ff15::2]:d0" ff15::2
for word in one two three; do
    echo "$word" | in_ns src socat -u - UDP4-DATAGRAM:239.1.1.1:5000,ip-multicast-if=10.77.1.1
    echo "$word" | in_ns src socat -u - "UDP6-DATAGRAM:[ff15::1]:5000,so-bindtodevice=s0"
done
wait_for lines four
wait_for lines six
expect "IPv4" "$(paste -sd ' ' "$work/four")" "one two three"
expect "IPv6" "$(paste -sd ' ' "$work/six")" "one two three"
relay_stop
expect "relayed" "$(reported .totals.relayed)" 6
