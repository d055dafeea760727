#!/bin/bash
# shellcheck disable=SC2034,SC2154
# The MTU of an egress interface shrinks and grows under trains: what no longer fits in one piece
# leaves as single datagrams, cut up on the way, and in trains again once it fits. An output of the
# same rule by another interface sends trains all the while.
. "$(dirname "$0")/lib/story.sh"
story "trains end where an MTU shrinks, and come again where it grows"
topo_line
wire 3 mid aux0 dst daux
relay_control=$work/control

relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000, 10.77.2.2:7000, 239.2.2.3%aux0:6000"
recv_start group dst 239.2.2.2%d0:6000
recv_start host dst 10.77.2.2:7000
recv_start other dst 239.2.2.3%daux:6000
start_in src "$probe" send --quiet --json --no-loop --gso 10 --size 1400 --rate "$(rate_of 2000)" \
    --duration 600 239.1.1.1%s0:5000 >"$work/sent.json" 2>"$work/send.log"
sender=$started

# counted NAME: that counter of each output, in a line.
counted() {
    "$ctl" --control "$relay_control" show outputs --json | jq -r "[.outputs[].$1] | join(\" \")"
}

# trains_grow: whether both outputs send trains. trains_end: whether both send, and no trains, while
# the third one does.
trains_grow() {
    local before now
    read -r -a before <<<"$(counted trains)"
    sleep 0.2
    read -r -a now <<<"$(counted trains)"
    [ "${now[0]}" -gt "${before[0]}" ] && [ "${now[1]}" -gt "${before[1]}" ]
}
trains_end() {
    local before sent now after
    read -r -a before <<<"$(counted trains)"
    read -r -a sent <<<"$(counted sent)"
    sleep 0.2
    read -r -a now <<<"$(counted sent)"
    read -r -a after <<<"$(counted trains)"
    [ "${after[*]:0:2}" = "${before[*]:0:2}" ] && [ "${now[0]}" -gt "${sent[0]}" ] &&
        [ "${now[1]}" -gt "${sent[1]}" ] && [ "${after[2]}" -gt "${before[2]}" ]
}

wait_for trains_grow || fail "no trains are sent at first"
in_ns mid ip link set out0 mtu 1480
wait_for trains_grow || fail "trains that still fit have ended"
in_ns mid ip link set out0 mtu 1300
wait_for trains_end || fail "trains that do not fit have not ended"
in_ns mid ip link set out0 mtu 1500
wait_for trains_grow || fail "trains that fit again do not come again"
stop "$sender"
relay_stop
for sink in group host other; do
    recv_stop $sink
    expect "$sink: received" "$(got $sink .total.received)" "$(sent .sent)"
    fields='[.lost, .duplicated, .reordered, .corrupt, .cut]'
    expect "$sink: lost, duplicated, reordered, corrupt, cut" \
        "$(got $sink ".total | $fields | join(\" \")")" "0 0 0 0 0"
done
