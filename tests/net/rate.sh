#!/bin/bash
# also: trains
# rate= on an output: what is beyond it is dropped and counted there, and nowhere else.
. "$(dirname "$0")/lib/story.sh"
story "one output is limited to 4 Mbit/s, the other is not"
topo_line
relay_control=$work/control
relay_start --rcvbuf 64M \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000 rate=4M, 239.2.2.2%out0:6000"
recv_start limited dst 239.2.2.1%d0:6000
recv_start free dst 239.2.2.2%d0:6000
began_us=${EPOCHREALTIME/./}
start_in src "$probe" send --quiet --json --no-loop "${send_extra[@]}" --duration 600 --rate 4000 \
    --size 1000 239.1.1.1%s0:5000 >"$work/sent.json" 2>"$work/send.log"
sender=$started
has_sent() {
    [ "$("$ctl" --control "$relay_control" show outputs --json |
        jq '.outputs[0].sent')" -ge "$1" ]
}
# 32 Mbit/s are offered; an eighth may pass, and a burst at the start.
wait_for has_sent 800 || fail "nothing passes behind the burst"
stop "$sender"
count=$(sent .sent)
relay_stop
took_us=$((${EPOCHREALTIME/./} - began_us))
recv_clean free "$count"
recv_stop limited
output='.rules[0].flows[0].outputs[0]'
expect "arrived is sent" "$(got limited .total.received)" "$(reported "$output.sent")"
expect "the rest is rate_limited" "$(reported "$output.drops.rate_limited")" \
    "$((count - $(reported "$output.sent")))"
expect_cmp "bits that passed, of those of the time and a burst" \
    $(($(reported "$output.sent") * 8000)) -le $((4 * took_us + 8 * 65507))
