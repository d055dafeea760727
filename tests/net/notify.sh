#!/bin/bash
# shellcheck disable=SC2034
# systemd is told: READY=1 when every rule is live, RELOADING=1 and READY=1 around a reload,
# STOPPING=1 at the end.
. "$(dirname "$0")/lib/story.sh"
story "the service manager is notified"
command -v socat >/dev/null || skip "socat is not installed"
topo_line
start socat -u "UNIX-RECV:$work/notify" "CREATE:$work/notified"
wait_for test -S "$work/notify" || fail_now "socat does not listen"
relay_wrapper=(env NOTIFY_SOCKET="$work/notify")
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
told() {
    grep -qz "$1" "$work/notified"
}
wait_for told "READY=1" || fail "READY=1 was not sent"
kill -HUP "$daemon_pid"
ready_again() {
    [ "$(grep -ao READY=1 "$work/notified" | wc -l)" -eq 2 ]
}
wait_for ready_again || fail "READY=1 was not sent after a reload"
told "RELOADING=1" || fail "RELOADING=1 was not sent"
told "MONOTONIC_USEC=[1-9]" || fail "the time of the reload was not sent"
told "STOPPING=1" && fail "STOPPING=1 came too early"
relay_stop
wait_for told "STOPPING=1" || fail "STOPPING=1 was not sent"
expect "READY=1 was sent at the start and after the reload" \
    "$(grep -ao READY=1 "$work/notified" | wc -l)" 2
