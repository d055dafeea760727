#!/bin/bash
# shellcheck disable=SC2034,SC2154
# A log that takes nothing stops nothing: not the start, not the relay, not the end.
. "$(dirname "$0")/lib/story.sh"
story "nobody reads the log"
command -v socat >/dev/null || skip "socat is not installed"
topo_line
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

# Standard error is a pipe that is full, with one reader, which does not read.
mkfifo "$work/pipe"
exec 9<>"$work/pipe"
fill_pipe() {
    python3 - "$work/pipe" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
try:
    while True:
        os.write(fd, b"\n")
except BlockingIOError:
    pass
END
}
fill_pipe
start socat -u "UNIX-RECV:$work/notify" "CREATE:$work/notified"
wait_for test -S "$work/notify" || fail_now "socat does not listen"
told() {
    grep -qz "$1" "$work/notified"
}
relay_wrapper=(env NOTIFY_SOCKET="$work/notify")
daemon_log=$work/pipe
relay_run --rule "$rule"
wait_for told "READY=1" || fail_now "READY=1 was not sent while the log is stuck"
recv_start sink dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 1000 --rate 4000

# When somebody reads again, nothing is missing.
start cat "$work/pipe" >"$work/taken"
reader=$started
wait_for grep -q 'ready$' "$work/taken" || fail "the lines that waited did not come"
stop "$reader"
expect "lines of the start" "$(grep -cE 'shard 0: cpu|ready$' "$work/taken")" 2

fill_pipe
relay_settle
kill -TERM "$daemon_pid"
relay_end
expect "numacastd's exit status" "$relay_status" 0
report_check
recv_clean sink 1000
wait_for told "STOPPING=1" || fail "STOPPING=1 was not sent while the log is stuck"

# A device that refuses every line, and one that nobody will ever read.
relay_wrapper=()
joined() {
    in_ns mid ip maddr show dev in0 | grep -q 239.1.1.1
}
for daemon_log in /dev/full "$work/pipe"; do
    relay_run --rule "$rule" --verbose
    wait_for joined || fail "the group is not joined"
    kill -TERM "$daemon_pid"
    relay_end
    expect "numacastd's exit status, log $daemon_log" "$relay_status" 0
    report_check
done
