#!/bin/bash
# RTP that wraps and whose sender restarts, a feed without numbers that goes over to its second leg,
# and one leg alone, whose losses are only counted.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/merge.sh"
story "RTP is merged, a feed without numbers fails over, and one leg is counted"

# rtp_send: 300 numbers of one sender over the wrap, then 300 of the next; and 5 reports.
rtp_send() {
    in_ns src python3 - <<'PY'
import socket, struct, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.77.1.1"))
for ssrc, first in ((7, 65400), (8, 65500)):
    for i in range(300):
        head = struct.pack("!BBHII", 0x80, 96, (first + i) % 65536, i, ssrc)
        sock.sendto(head + struct.pack("!I", ssrc * 1000 + i), ("239.1.1.1", 5000))
        time.sleep(0.001)
for i in range(5):
    sock.sendto(struct.pack("!BBHI", 0x80, 200, 6, 7) + bytes(20), ("239.1.1.1", 5000))
PY
}

# relayed_since COUNT: whether the relay has sent a few hundred more.
relayed_since() {
    [ "$(in_ns mid cat /sys/class/net/out0/statistics/tx_packets)" -gt $(($1 + 300)) ]
}

# heard_by LEG: whether its interface has brought a few datagrams since it came back.
heard_by() {
    [ "$(in_ns sw cat "/sys/class/net/p$1/statistics/tx_packets")" -gt $((tx_before + 20)) ]
}

merge_topo a b
rtp="239.1.1.1%a0:5000 + 239.1.1.1%b0:5000 seq=rtp -> 239.2.2.2%out0:6000"
relay_start --rule "$rtp"
rtp_send
relay_stop
expect "numbers, delivered by both, restarts" \
    "$(reported '.rules[0].merge | [.numbers, .shared, .restarts] | join(" ")')" "600 600 1"
expect "relayed, sent" \
    "$(reported '[.rules[0].merge.relayed, .rules[0].flows[0].outputs[0].sent] | join(" ")')" \
    "600 600"
expect "copies" "$(reported '.rules[0].drops.duplicate')" 600
expect "no RTP" "$(reported '.rules[0].drops.no_number')" 10

in_ns sw ip link set pb down
relay_start --rule "239.1.1.1%a0:5000 + 239.1.1.1%b0:5000 failover=600 -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000
start_in src "$probe" send --quiet --json --no-loop 239.1.1.1%s0:5000 --duration 600 --rate 1000 \
    >"$work/sent.json"
sender=$started
before=$(in_ns mid cat /sys/class/net/out0/statistics/tx_packets)
wait_for relayed_since "$before" || fail "nothing is relayed"
tx_before=$(in_ns sw cat /sys/class/net/pb/statistics/tx_packets)
in_ns sw ip link set pb up
wait_for heard_by b || fail "the second leg brings nothing"
in_ns sw ip link set pa down
relay_settle # what follows comes by the second leg
before=$(in_ns mid cat /sys/class/net/out0/statistics/tx_packets)
wait_for relayed_since "$before" || fail "nothing is relayed by the second leg"
stop "$sender"
recv_stop sink
relay_stop
# Without numbers nobody knows a copy that comes when the first leg is gone back to. That happens
# only if the machine stands still for so long that the first leg seems silent.
doubled=$(got sink .total.duplicated)
[ "$(reported '.rules[0].merge.switches')" -gt 1 ] || expect "doubled" "$doubled" 0
expect_cmp "goings over" "$(reported '.rules[0].merge.switches')" -ge 1
expect_cmp "relayed by the first leg" "$(reported '.rules[0].merge.legs[0].relayed')" -gt 0
expect_cmp "relayed by the second leg" "$(reported '.rules[0].merge.legs[1].relayed')" -gt 0
expect "received and lost" "$(got sink '.total.received + .total.lost')" \
    $(($(sent .sent) + doubled))
in_ns sw ip link set pa up
wait_for carrier mid a0 || fail_now "a0 does not come up"
wait_for carrier sw pa || fail_now "pa does not come up"

merge_lose a 100 2000
relay_start --rule "239.1.1.1%a0:5000 $field -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 2000 --rate 4000
relay_stop
recv_stop sink
lost=$(merge_lost a)
expect_cmp "lost" "$lost" -gt 0
expect "lost, as the leg has it" "$(reported '.rules[0].merge.legs[0].lost')" "$lost"
expect "received, lost, duplicated" \
    "$(got sink '.total | [.received, .lost, .duplicated] | join(" ")')" "$((2000 - lost)) $lost 0"
