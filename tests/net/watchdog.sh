#!/bin/bash
# shellcheck disable=SC2034,SC2154
# The service manager's watchdog gets a sign of life each second while all shards turn, and none
# once the kernel keeps one of them; that one is named. A sanitizer's leak checker stops its own
# process with ptrace, which knows one tracer only, and here that is strace.
# builds: plain
. "$(dirname "$0")/lib/story.sh"
story "the watchdog hears of us as long as every shard turns"
have socat || skip "socat is not installed"
have strace || skip "strace is not installed"
topo_line
start socat -u "UNIX-RECV:$work/notify" "CREATE:$work/notified"
wait_for test -S "$work/notify" || fail_now "socat does not listen"
relay_control=$work/control
relay_wrapper=(env NOTIFY_SOCKET="$work/notify" WATCHDOG_USEC=10000000)
relay_start --rule "239.1.1.1%in0:5000 shard=0 -> 239.2.2.2%out0:6000" \
    --rule "239.1.1.3%in0:5000 shard=1 -> 239.2.2.3%out0:6000" --shards 2 --oversubscribe

signs() {
    grep -ao WATCHDOG=1 "$work/notified" | wc -l
}
lives() {
    [ "$(signs)" -gt "$before" ]
}
before=1
wait_for lives || fail "no sign of life comes"

# keep SHARD: the kernel keeps it from its next wait on; $keeper.
keep() {
    local comm call=io_uring_enter
    [ "$ENGINE" = uring ] || call=epoll_wait,epoll_pwait,epoll_pwait2
    comm=$(grep -lx "shard-$1" /proc/"$daemon_pid"/task/*/comm)
    start strace -qq -o "$work/strace" -e "trace=$call" -e "inject=$call:delay_enter=2000000000" \
        -p "$(basename "${comm%/comm}")"
    keeper=$started
}
keep 1
stuck() {
    grep -q "shard 1: stuck" "$daemon_log"
}
wait_for stuck || fail "the shard that is stuck is not named"
before=$(signs)
# seconds: how long the relay has run, by itself.
seconds() {
    "$ctl" stats --json --control "$relay_control" | jq '.uptime_s | floor'
}
told_s=$(seconds)
later() {
    [ "$(seconds)" -gt $((told_s + 2)) ]
}
wait_for later || fail "numacastctl does not tell the time"
expect "signs of life while it is stuck" "$(signs)" "$before"
expect "the other shard is not blamed" "$(grep -c 'shard 0: stuck' "$daemon_log")" 0

# What systemd does then.
kill -ABRT "$daemon_pid"
stop "$keeper" KILL
relay_end
expect "exit status after the abort" "$relay_status" 134
