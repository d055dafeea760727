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

# relay_settle: waits until the relay has taken every datagram that reached it.
relay_settle() {
    wait_for drained "$relay_ns" || fail "datagrams stay in the relay's sockets"
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
