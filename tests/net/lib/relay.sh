# relay.sh - starts and stops numacastd, and judges its exit report. Part of story.sh.
# shellcheck shell=bash disable=SC2154,SC2034

relay_ns=mid        # where the relay runs
relay_control=off   # where it is to listen for numacastctl
relay_wrapper=()    # a command in front of it: (taskset -c 0), (prlimit --memlock=1024)

# relay_run ARGUMENT...: numacastd in the background with this story's engine; $daemon_pid.
relay_run() {
    rm -f "$report"
    : >"$daemon_log"
    start_in "$relay_ns" "${relay_wrapper[@]}" "$daemon" --engine "$ENGINE" \
        --control "$relay_control" --exit-report "$report" "${relay_extra[@]}" "$@" \
        2>>"$daemon_log" >"$work/daemon.out"
    daemon_pid=$started
}

# relay_start ARGUMENT...: the same, and waits until every rule is live.
relay_start() {
    relay_run "$@"
    wait_ready "$daemon_pid" "$daemon_log" || fail_now "numacastd is not ready, or has ended"
}

# relay_end: waits for numacastd's end; its exit status in $relay_status.
relay_end() {
    wait_for dead "$daemon_pid" || fail_now "numacastd does not end"
    wait_end "$daemon_pid"
    relay_status=$?
    none_refused "$daemon_log"
}

# relay_settle: waits until every relay of this story that lives has gone through with all that had
# reached it: each datagram is sent by its outputs, counted as lost, or waits there for room or for
# its time. What was sent has also left the wires, so that it waits in its receiver's socket. More
# may come meanwhile; then that holds for what had come before this was called.
#
# An empty socket is not enough: a shard may hold what it has just taken, for long on a busy
# machine. One that sleeps holds nothing, but for what --batch-wait gathers, so each must be seen
# asleep twice, longer apart than that. It needs no control socket, and asks nothing of the relay.
# What was sent may be counted as that a moment later: who asks for counters waits for them.
relay_settle() {
    wait_for relays_are_at_rest || fail "a relay does not come to rest"
}

relays_are_at_rest() {
    local pid relays
    wires_are_empty || return 1
    relays=$(relay_ids)
    [ -n "$relays" ] || return 0
    for pid in $relays; do
        relay_rests "$pid" || return 1
    done
    sleep 0.005
    for pid in $relays; do
        relay_rests "$pid" || return 1
    done
    wires_are_empty
}

# relay_ids: those of this story's relays that live, and of those that their managers started.
relay_ids() {
    local pid child children comms=(/dev/null)
    for pid in $processes; do
        children=
        { read -r children <"/proc/$pid/task/$pid/children"; } 2>/dev/null
        for child in $pid $children; do
            comms+=(/proc/"$child"/task/*/comm)
        done
    done
    grep -ls ^shard- "${comms[@]}" | awk -F / '!seen[$3]++ { print $3 }'
}

# relay_rests PID: no socket where that relay runs holds anything, and each of its shards sleeps, as
# does the kernel's thread that submits for one (--sqpoll). Connected sockets hold ICMP errors.
relay_rests() {
    local task name state
    awk 'FNR > 1 && $3 ~ /:0000$/ && $5 !~ /:00000000$/ { full = 1 } END { exit full }' \
        "/proc/$1/net/udp" "/proc/$1/net/udp6" || return 1
    for task in "/proc/$1"/task/*; do
        { read -r name <"$task/comm" && read -r state <"$task/stat"; } 2>/dev/null || continue
        state=${state##*) }
        [[ $name != shard-* && $name != iou-sqp-* || $state = S* ]] || return 1
    done
}

# relay_stop: SIGTERM, exit status 0, and an exit report whose sums agree.
relay_stop() {
    relay_settle
    kill -TERM "$daemon_pid"
    relay_end
    expect "numacastd's exit status" "$relay_status" 0
    report_check
}

# report_check: every identity of the exit report.
report_check() {
    if python3 "$src_top/tests/net/lib/report.py" "$report"; then
        echo "ok: the exit report's sums agree"
    else
        fail "the exit report's sums do not agree"
    fi
    if [ "$carried" != none ]; then
        carried=$((carried + $(reported '[.rules[].flows[].fast.received // 0] | add')))
    fi
}

# relay_accounts COUNT: of COUNT datagrams that were sent to the relay, each was received or is
# among the kernel's drops. The kernel counts a train that it drops as one.
relay_accounts() {
    local received dropped most=1
    received=$(reported '[.rules[].received] | add')
    dropped=$(reported '[.rules[].kernel_drops] | add')
    [ ${#send_extra[@]} -eq 0 ] || most=${send_extra[1]}
    if [ "$most" -eq 1 ]; then
        expect "received, with what the kernel dropped" $((received + dropped)) "$1"
    else
        expect_cmp "received, with what the kernel dropped" $((received + dropped)) -le "$1"
        expect_cmp "were each drop a train" $((received + dropped * most)) -ge "$1"
    fi
}

# reported EXPRESSION: a value of the exit report, by jq.
reported() {
    jq -r "$1" "$report"
}

# relay_refuses STATUS WORDS ARGUMENT...: numacastd must end by itself with STATUS and say WORDS.
relay_refuses() {
    local status=$1 words=$2
    shift 2
    relay_run "$@"
    relay_end
    expect "exit status of a refusal" "$relay_status" "$status"
    expect_words "the refusal says" "$daemon_log" "$words"
}
