#!/bin/bash
# also: trains
# shellcheck disable=SC2154
# max-age= drops what has waited too long in the socket, as `stale', and nothing else: of two
# flows that a stopped relay has left waiting, the one that may wait for an hour loses nothing,
# and neither does the other after a reload has given it as long.
. "$(dirname "$0")/lib/story.sh"
story "what has waited for too long is dropped"
topo_line
conf=$work/numacastd.conf
count=400
done_count=0

is_done() {
    [ "$(grep -c 'reload: done' "$daemon_log")" -ge "$done_count" ]
}

# configure MSEC: how long the first flow may wait.
configure() {
    printf '%s\n' "rule 239.1.1.1%in0:5000 max-age=$1 -> 239.2.2.1%out0:6000" \
        "rule 239.1.1.2%in0:5000 max-age=3600000 -> 239.2.2.2%out0:6000" >"$conf"
}

# is_past NANOSECONDS
is_past() {
    [ "$(date +%s%N)" -gt "$1" ]
}

# send_waiting: both flows, to a relay that stands still until the last has waited for 0.6 s.
send_waiting() {
    kill -STOP "$daemon_pid"
    send src 239.1.1.1%s0:5000 239.1.1.2%s0:5000 --rate 20000 --count $((2 * count))
    wait_for is_past $(($(date +%s%N) + 600000000)) || fail "the clock stands still"
    kill -CONT "$daemon_pid"
    relay_settle
}

configure 300
relay_start --config "$conf"
recv_start sink dst 239.2.2.1%d0:6000 239.2.2.2%d0:6000
# Stamps begin a moment after they were asked for; this takes longer.
send src 239.1.1.2%s0:5000 --rate 1000 --count 100
relay_settle
send_waiting
configure 3600000
done_count=1
kill -HUP "$daemon_pid"
wait_for is_done || fail "the reload does not end"
send_waiting
relay_stop
recv_stop sink
expect "stale of the one" "$(reported '.rules[0].flows[0].drops.stale')" $count
expect "relayed of it, once it may wait" "$(reported '.rules[0].flows[0].relayed')" $count
expect "stale of the other" "$(reported '.rules[1].flows[0].drops.stale')" 0
expect "relayed of the other" "$(reported '.rules[1].flows[0].relayed')" $((2 * count + 100))
expect "received by the sink" "$(got sink .total.received)" $((3 * count + 100))
