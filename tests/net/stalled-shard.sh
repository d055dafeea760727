#!/bin/bash
# builds: plain
# shellcheck disable=SC2034,SC2154
# One shard stands still for 200 ms and longer, stopped by itself: what it owns waits in its socket
# and leaves afterwards, whole and in order; what another shard owns is relayed meanwhile, and
# whoever asks is answered. An end amid a reload is one in order, too.
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
    "$ctl" --control "$relay_control" show outputs "$1" --json |
        jq '.outputs[0].sent'
}
has_sent() {
    [ "$(sent_by "$1")" -eq "$2" ]
}
# thread_of NAME: of the daemon, its id.
thread_of() {
    local comm
    comm=$(grep -lx "$1" /proc/"$daemon_pid"/task/*/comm)
    basename "${comm%/comm}"
}
is_stopped() {
    grep -q '^State:.*tracing stop' "/proc/$daemon_pid/task/$1/status"
}
# stall THREAD: it stands still until $staller is stopped.
stall() {
    start python3 "$src_top/tests/chaos/stall.py" "$1"
    staller=$started
    wait_up "$staller" is_stopped "$1" || fail_now "thread $1 does not stand still"
}
wait_for has_sent still 100 || fail "nothing is relayed before"
stall "$(thread_of shard-0)"
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

# ---- the end amid a reload: one shard has closed when control looks at it, another has not ----
conf=$work/numacastd.conf
echo "rule 239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000" >"$conf"
relay_start --shards 2 --oversubscribe --config "$conf"
echo "rule 239.1.4.0/22%in0:5000 -> 239.2.4.0/22%out0:6000" >>"$conf"
stall "$(thread_of shard-1)"
shard=$staller
stall "$daemon_pid"
kill -HUP "$daemon_pid"
kill -TERM "$daemon_pid"
stop "$staller"
wait_up "$daemon_pid" grep -q "the shards are ending" "$daemon_log" ||
    fail "the reload does not tell that the shards are ending"
stop "$shard"
relay_end
expect "exit status of an end amid a reload" "$relay_status" 0
report_check
