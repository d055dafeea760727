#!/bin/bash
# also: trains
# shellcheck disable=SC2154
# The sockets of divided flows outlive the process, too: a restart under traffic loses, doubles and
# reorders nothing, and what the kernel lost before, amid and after a restart is told once by all
# processes together. Divided otherwise, a flow gets other sockets.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/spread.sh"
story "a restart under traffic loses nothing of divided flows"
topo_line
for i in "${spread_sources[@]}"; do
    in_ns src ip addr add "10.77.1.1$i/24" dev s0
done
conf=$work/numacastd.conf
mkdir "$work/store"
ready=0 told=0 lost=0 rcvbuf=16M

# configure MORE LINE...: what the next process reads; the first four flows have these options more.
configure() {
    local more=$1
    shift
    {
        echo "rcvbuf $rcvbuf"
        echo "rule 239.1.1.1%in0:5000 name=group spread=2 by=source $more -> 239.2.2.1%out0:6000"
        echo "rule [ff3e::1:1%in0]:5000 spread=2 by=source $more -> 239.2.2.2%out0:6000"
        echo "rule 10.77.1.2%in0:5104 spread=2 by=source $more -> 239.2.2.3%out0:6000"
        echo "rule 239.1.1.4%in0:5000 spread=2 by=cpu $more -> 239.2.2.4%out0:6000"
        printf '%s\n' "$@"
    } >"$conf"
}
targets4=(239.1.1.1%s0:5000 10.77.1.2%s0:5104 239.1.1.4%s0:5000)
sinks=(239.2.2.1%d0:6000 239.2.2.2%d0:6000 239.2.2.3%d0:6000 239.2.2.4%d0:6000)

is_ready() {
    [ "$(grep -c 'ready$' "$daemon_log")" -gt "$ready" ]
}

kept_is() {
    [ "$(grep -c '^n1-' "$work/store/kept")" -eq "$1" ]
}

next_is_ready() {
    wait_up "$manager" is_ready || fail_now "no process comes"
    ready=$(grep -c 'ready$' "$daemon_log")
    daemon_pid=$(cat "$work/store/pid")
    wait_for kept_is 8 || fail "not all shares of four flows are kept"
}

# again: another process takes the place of this one, whose counts are added.
again() {
    kill -TERM "$daemon_pid"
    [ $# -eq 0 ] || kill -CONT "$daemon_pid"
    next_is_ready
    report_check
    told=$((told + $(reported '[.rules[].received] | add')))
    lost=$((lost + $(reported .totals.kernel_drops)))
}

# senders COUNT RATE: each sends so many of each of four ports to each target, 0: until stopped.
senders() {
    local i limit=(--count-per-flow "$1")
    [ "$1" -gt 0 ] || limit=(--duration 600)
    sending=()
    for i in 1 2 3 4; do
        start_in src "$probe" send --quiet --json --no-loop --flows 4 "${limit[@]}" --rate "$2" \
            "${send_extra[@]}" --source "10.77.1.1$i" "${targets4[@]}" >"$work/sent-$i.json"
        sending+=("$started")
    done
    start_in src "$probe" send --quiet --json --no-loop --flows 8 "${limit[@]}" --rate "$2" \
        "${send_extra[@]}" "[ff3e::1:1%s0]:5000" >"$work/sent-5.json"
    sending+=("$started")
}

sent_by_all() {
    jq -s 'map(.sent) | add' "$work"/sent-?.json
}

sinks_start() {
    recv_start sink dst "${sinks[@]:0:3}" --rcvbuf 64M
    recv_start cpus dst "${sinks[3]}" --rcvbuf 64M # its senders may change CPUs
}
sinks_judge() {
    local fields='[.lost, .duplicated, .reordered, .corrupt, .cut]'
    recv_stop sink
    recv_stop cpus
    expect "lost, duplicated, reordered, corrupt, cut" \
        "$(got sink ".total | $fields | join(\" \")")" "0 0 0 0 0"
    expect "by CPU: lost, duplicated, corrupt, cut" \
        "$(got cpus '.total | [.lost, .duplicated, .corrupt, .cut] | join(" ")')" "0 0 0 0"
    expect "received" $(($(got sink .total.received) + $(got cpus .total.received))) \
        "$(sent_by_all)"
}

: >"$daemon_log"
configure ""
start_in mid python3 "$src_top/tests/net/lib/store.py" "$work/store" "$daemon" \
    --engine "$ENGINE" --control off --exit-report "$report" "${relay_extra[@]}" \
    --config "$conf" --shards 3 --oversubscribe 2>>"$daemon_log"
manager=$started
next_is_ready

# ---- under traffic ----
sinks_start
each_rate=$(rate_of 4000) # of five
senders 0 "$each_rate"
for ((i = 0; i < ${RESTARTS:-3}; i++)); do
    again
done
for pid in "${sending[@]}"; do
    stop "$pid"
done
sinks_judge
all=$(sent_by_all)
again
expect "received by all processes together" "$told" "$all"
expect "lost by the kernel" "$lost" 0

# ---- with buffers that overflow while the process stands still, and a restart amid that ----
rcvbuf=16K
configure ""
again
told=0 lost=0
for ((i = 0; i < 2; i++)); do
    kill -STOP "$daemon_pid"
    senders 60 unlimited
    for pid in "${sending[@]}"; do
        wait_end "$pid" || fail "a sender failed"
    done
    again amid
done
relay_settle
again
if [ ${#send_extra[@]} -eq 0 ]; then
    expect "received by all processes, and lost by the kernel" $((told + lost)) \
        $((2 * $(sent_by_all)))
fi
expect_cmp "lost by the kernel" "$lost" -gt 0

# ---- divided otherwise ----
rcvbuf=16M
configure "max-age=500"
sed -i 's/spread=2/spread=3/' "$conf"
sinks_start
kill -TERM "$daemon_pid"
wait_for kept_is 12 || fail "not the shares of now are kept"
is_live() {
    [ "$(grep -c ': live' "$daemon_log")" -ge 3 ]
}
wait_for is_live || fail "the unicast flow does not become live"
senders 20 2000
for pid in "${sending[@]}"; do
    wait_end "$pid" || fail "a sender failed"
done
sinks_judge
kill -TERM "$manager"
wait_for dead "$manager" || fail "the manager does not end"
wait_end "$manager"
