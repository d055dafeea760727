#!/bin/bash
# also: trains
# Broadcasts come in and go out: 255.255.255.255 of an interface, and the address of a network.
. "$(dirname "$0")/lib/story.sh"
story "broadcasts are relayed"
topo_line
in_ns mid ip addr change 10.77.2.1/24 brd + dev out0
in_ns mid ip addr change 10.77.1.2/24 brd + dev in0
in_ns dst ip addr change 10.77.2.2/24 brd + dev d0
in_ns src ip addr change 10.77.1.1/24 brd + dev s0

# hear NAME ADDRESS PORT: python3 in dst, since the probe receives no broadcasts; prints how many
# came when it is told to end.
hear() {
    start_in dst python3 "$src_top/tests/net/lib/broadcast.py" recv "$2" "$3" d0 \
        >"$work/$1.count" 2>"$work/$1.log"
    eval "hear_$1=$started"
    wait_up "$started" grep -q ready "$work/$1.log" || fail_now "receiver $1 does not start"
}

# heard NAME COUNT: told to end, it has heard so many.
heard() {
    local pid="hear_$1"
    wait_for drained dst || fail "receiver $1 does not take what is queued"
    stop "${!pid}"
    expect "$1" "$(cat "$work/$1.count")" "$2"
}

# say ADDRESS PORT COUNT TTL: broadcasts out of s0.
say() {
    in_ns src python3 "$src_top/tests/net/lib/broadcast.py" send "$1" "$2" s0 "$3" "$4"
}

relay_start \
    --rule "239.1.1.1%in0:5000 -> broadcast%out0:6000, 10.77.2.255%out0:6001, 10.77.2.255:6002" \
    --rule "broadcast%in0:5001 -> 239.2.2.1%out0:6003, broadcast%out0:6004 ttl=9" \
    --rule "10.77.1.255%in0:5002 -> 239.2.2.2%out0:6005" \
    --rule "broadcast%in0:5003 -> broadcast%out0:5003" \
    --rule "broadcast%out0:5003 -> broadcast%in0:5003"
recv_start group dst 239.2.2.1%d0:6003
recv_start network dst 239.2.2.2%d0:6005
hear limited 255.255.255.255 6000
hear subnet 10.77.2.255 6001
hear unnamed 10.77.2.255 6002
hear again 255.255.255.255 6004
hear both 255.255.255.255 5003
send src 239.1.1.1%s0:5000 --count 480 --rate 2000
say 255.255.255.255 5001 300 1
say 10.77.1.255 5002 200 1
say 255.255.255.255 5003 100 1
relay_stop
heard limited 480
heard subnet 480
heard unnamed 480
heard again 300
heard both 100
recv_stop group
recv_stop network
expect "a broadcast becomes a group's" "$(got group .total.foreign)" 300
expect "so does one of a network" "$(got network .total.foreign)" 200
expect "our own broadcasts come back and are known" "$(reported .totals.drops.loop)" 100
relay_refuses 2 "has no interface" --rule "239.1.1.1%in0:5000 -> broadcast:6000"
