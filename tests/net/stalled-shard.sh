#!/bin/bash
# builds: plain
# shellcheck disable=SC2034,SC2154
# One shard stands still for 200 ms and longer, stopped by itself: what it owns waits in its socket
# and leaves afterwards, whole and in order; what another shard owns is relayed meanwhile, and
# whoever asks is answered.
. "$(dirname "$0")/lib/story.sh"
story "a shard that stands still holds up its own flows only"
topo_line
relay_control=$work/control
relay_start --shards 2 --oversubscribe \
    --rule "239.1.1.1%in0:5000 name=still shard=0 -> 239.2.2.1%out0:6000" \
    --rule "239.1.1.2%in0:5000 name=going shard=1 -> 239.2.2.2%out0:6000"
recv_start still dst 239.2.2.1%d0:6000
recv_start going dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 239.1.1.2%s0:5000 --count 200 --rate 4000
relay_settle

# sent_by RULE: how many its output has sent.
sent_by() {
    "$build_top/src/numacastctl" --control "$relay_control" show outputs "$1" --json |
        jq '.outputs[0].sent'
}
has_sent() {
    [ "$(sent_by "$1")" -eq "$2" ]
}
comm=$(grep -lx shard-0 /proc/"$daemon_pid"/task/*/comm)
thread=$(basename "${comm%/comm}")
is_stopped() {
    grep -q '^State:.*tracing stop' "/proc/$daemon_pid/task/$thread/status"
}
wait_for has_sent still 100 || fail "nothing is relayed before"
start python3 "$src_top/tests/chaos/stall.py" "$thread"
staller=$started
wait_up "$staller" is_stopped || fail_now "the shard does not stand still"
stopped_us=${EPOCHREALTIME/./}
send src 239.1.1.1%s0:5000 239.1.1.2%s0:5000 --count 1600 --rate 4000
wait_for has_sent going 900 || fail "the other shard has sent $(sent_by going)"
while [ $((${EPOCHREALTIME/./} - stopped_us)) -lt 200000 ]; do
    sleep 0.02
done
expect "sent by the shard that stands still" "$(sent_by still)" 100
stop "$staller"
relay_stop
for sink in still going; do
    recv_clean $sink 900
done
expect "lost by the kernel" "$(reported .totals.kernel_drops)" 0
