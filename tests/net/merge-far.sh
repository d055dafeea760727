#!/bin/bash
# builds: plain
# Two legs of which one comes to be half a second behind, each losing 1 %, lack only what both have
# lost. Then a programme of ffmpeg's over RTP, whose sender is killed and started again at once: it
# has another SSRC and begins at any number, and nothing is lost or doubled.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/merge.sh"
story "a leg is half a second behind, and a real sender is killed and started again"
have ffmpeg
have python3
count=1500
merge_topo a b

# 1.33 times as much as the second leg carries, for 1.5 s. Were all of it sent at once, since the
# machine stood still, that leg would be behind by 2 s.
merge_lose a 10 "$count"
merge_lose b 10 "$count"
in_ns sw tc qdisc add dev pb root tbf rate 852kbit burst 4kb limit 4mb || skip "tc has no tbf"
relay_start --rule "239.1.1.1%a0:5000 + 239.1.1.1%b0:5000 $field skew=5000 -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count "$count" --rate 1000 --size 100 --max-lag 5
behind_is_over() {
    [ "$(in_ns sw tc -j -s qdisc show dev pb | jq '.[0].backlog')" -eq 0 ]
}
wait_for behind_is_over || fail "the slow leg does not bring the rest"
relay_stop
recv_stop sink
lost=$(reported '.rules[0].merge.lost_all')
expect "lost, as each leg has it" "$(reported '[.rules[0].merge.legs[].lost] | join(" ")')" \
    "$(merge_lost a) $(merge_lost b)"
expect "received, lost, duplicated" \
    "$(got sink '.total | [.received, .lost, .duplicated] | join(" ")')" "$((count - lost)) $lost 0"
expect "numbers" "$(reported '.rules[0].merge.numbers')" "$count"
expect_cmp "behind, in ms" "$(($(reported '.rules[0].merge.legs[1].skew_max_us') / 1000))" -ge 250

# A sender that is killed, and the next.
in_ns sw tc qdisc del dev pb root
in_ns mid nft flush chain netdev a loss
in_ns mid nft flush chain netdev b loss
sent_by_relay() {
    [ "$(in_ns mid cat /sys/class/net/out0/statistics/tx_packets)" -gt $((sent_before + 200)) ]
}
relay_start --rule "239.1.1.1%a0:5000 + 239.1.1.1%b0:5000 seq=rtp -> 239.2.2.2%out0:6000"
start_in dst python3 "$src_top/tests/net/lib/rtp.py" 239.2.2.2 6000 10.77.2.2 >"$work/rtp.json"
receiver=$started
joined() {
    in_ns dst ip maddr show dev d0 | grep -q 239.2.2.2
}
wait_for joined || fail_now "the receiver does not join"
for ((i = 0; i < 2; i++)); do
    sent_before=$(in_ns mid cat /sys/class/net/out0/statistics/tx_packets)
    start_in src ffmpeg -hide_banner -loglevel error -nostdin -re -f lavfi \
        -i testsrc2=size=320x180:rate=25 -c:v mpeg2video -b:v 3M -g 5 -f rtp_mpegts \
        "rtp://239.1.1.1:5000?localaddr=10.77.1.1&pkt_size=1328&ttl=4"
    wait_up "$started" sent_by_relay || fail "the relay sends nothing of sender $i"
    kill -KILL "$started"
    wait_for dead "$started"
done
relay_stop
wait_for drained dst || fail "datagrams stay at the receiver"
stop "$receiver"
expect "received" "$(jq .received "$work/rtp.json")" "$(reported '.rules[0].merge.relayed')"
expect "senders, doubled, missing" \
    "$(jq -r '[.senders, .doubled, .missing] | join(" ")' "$work/rtp.json")" "2 0 0"
expect "restarts, lost by all" \
    "$(reported '.rules[0].merge | [.restarts, .lost_all] | join(" ")')" "1 0"
