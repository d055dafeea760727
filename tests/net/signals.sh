#!/bin/bash
# shellcheck disable=SC2154
# The end: SIGTERM and SIGINT drain and exit 0 with a report, a second signal ends it at once; so
# does a shard that fails. Other signals end nothing.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/capture.sh"
story "signals end the relay, and nothing is left behind"
topo_line
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

gone() {
    ! in_ns mid ip maddr show dev in0 | grep -q 239.1.1.1
}

for signal in TERM INT; do
    relay_start --rule "$rule"
    background src 239.1.1.1%s0:5000
    capture dst d0 udp 5
    kill -$signal "$daemon_pid"
    relay_end
    expect "exit status after SIG$signal amid traffic" "$relay_status" 0
    report_check
    background_stop
    wait_for gone || fail "the group is still joined"
done

# What has arrived before SIGTERM is relayed: stopped, the daemon finds a thousand datagrams and the
# signal at once.
relay_start --rule "$rule"
recv_start sink dst 239.2.2.2%d0:6000
kill -STOP "$daemon_pid"
send src 239.1.1.1%s0:5000 --count 1000 --rate 20000
kill -TERM "$daemon_pid"
kill -CONT "$daemon_pid"
relay_end
expect "exit status" "$relay_status" 0
report_check
recv_clean sink 1000

# Stopped, the daemon gets both signals before it can act on the first, then goes on.
relay_start --rule "$rule" --drain-timeout 60000
kill -STOP "$daemon_pid"
kill -TERM "$daemon_pid"
kill -INT "$daemon_pid"
kill -CONT "$daemon_pid"
relay_end
expect "exit status after two signals" "$relay_status" 0
expect_words "the second signal" "$daemon_log" "again: ending at once"
report_check

# meddle SHARD HOW: from now on does to each wait of that shard what strace's inject= calls HOW;
# $tracer.
meddle() {
    local comm call=io_uring_enter
    [ "$ENGINE" = uring ] || call=epoll_wait,epoll_pwait,epoll_pwait2
    comm=$(grep -lx "shard-$1" /proc/"$daemon_pid"/task/*/comm)
    rm -f "$work/strace" # of the time before: what is there shows that a call was meddled with
    start strace -qq -o "$work/strace" -e "trace=$call" -e "inject=$call:$2" \
        -p "$(basename "${comm%/comm}")"
    tracer=$started
}

says() {
    grep -qF -e "$1" "$daemon_log"
}

# A sanitizer's leak checker stops its own process with ptrace, which knows one tracer only.
if have strace && grep -q 'NC_BUILD_SANITIZERS "no"' "$build_top/config.h"; then
    # With each turn so slow that the next datagram is there before it, draining has no end, since
    # there is no group to leave; a second signal makes one.
    relay_start --rule "10.77.1.2:5000 -> 239.2.2.2%out0:6000" --drain-timeout 600000 --shards 1
    background src 10.77.1.2:5000
    meddle 0 delay_enter=300000
    capture dst d0 udp 5
    kill -TERM "$daemon_pid"
    wait_for says "SIGTERM: draining" || fail "SIGTERM is not answered"
    capture dst d0 udp 20
    alive "$daemon_pid" || fail "the relay did not drain"
    kill -INT "$daemon_pid"
    relay_end
    expect "exit status after a second signal amid draining" "$relay_status" 0
    report_check
    background_stop

    # A shard whose thread the kernel keeps is not waited for without end.
    relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000" --shards 1
    meddle 0 delay_enter=2000000000
    background src 239.1.1.1%s0:5000
    wait_for test -s "$work/strace" || fail "the shard is not kept"
    kill -TERM "$daemon_pid"
    wait_for says "SIGTERM: draining" || fail "SIGTERM is not answered"
    kill -TERM "$daemon_pid"
    wait_for says "stuck in the kernel" || fail "a shard that is stuck is waited for"
    stop "$tracer" KILL # it keeps what it traces from going away
    relay_end
    background_stop
    expect "exit status without a shard" "$relay_status" 1

    # One shard alone is no relay: when its ring fails, all end.
    relay_start --rule "239.1.1.1%in0:5000 shard=0 -> 239.2.2.2%out0:6000" \
        --rule "239.1.1.3%in0:5000 shard=1 -> 239.2.2.3%out0:6000" --shards 2 --oversubscribe
    meddle 1 error=EBADF
    background src 239.1.1.3%s0:5000
    relay_end
    background_stop
    expect "exit status when one shard ended" "$relay_status" 1
    expect_words "why" "$daemon_log" "shard 1: the ring failed"
fi

# What means nothing here changes nothing.
relay_start --rule "$rule"
kill -USR1 "$daemon_pid"
kill -USR2 "$daemon_pid"
kill -HUP "$daemon_pid"
wait_for says "reload: done: flows: 1 kept, 0 moved, 0 added" ||
    fail "the relay does not answer SIGHUP"
relay_stop

# A report that nobody reads holds the end up, but not against a further signal.
mkfifo "$work/pipe"
exec 9<>"$work/pipe"
python3 -c 'import os, sys
os.set_blocking(9, False)
try:
    while True:
        os.write(9, b"x")
except BlockingIOError:
    os.set_blocking(9, True)'
: >"$daemon_log"
start_in mid "$daemon" --engine "$ENGINE" --control off --exit-report "$work/pipe" --rule "$rule" \
    2>>"$daemon_log"
daemon_pid=$started
wait_ready "$daemon_pid" "$daemon_log" || fail_now "numacastd is not ready, or has ended"
ended() {
    kill -TERM "$daemon_pid" 2>/dev/null
    dead "$daemon_pid"
}
wait_for ended || fail "a report that nobody reads cannot be ended"
exec 9>&-

# While it starts, which takes a while with this much memory: nobody hears of it, or it drains.
starting() {
    grep -q 'starting .* shards' "$daemon_log"
}
relay_run --rule "$rule" --verbose --shards 1 --pool train=4096
wait_for starting || fail_now "numacastd does not say that it starts"
kill -TERM "$daemon_pid"
relay_end
expect "exit status after SIGTERM amid the start" "$relay_status" 0
expect_words "what became of the start" "$daemon_log" "SIGTERM: "
report_check
