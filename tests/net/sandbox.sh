#!/bin/bash
# builds: plain
# shellcheck disable=SC2034,SC2154
# Each thread may make the system calls of its kind alone: a relay works so, another call is
# refused, told and counted, and a kernel that takes no filters is named. All other stories show
# that nothing is missing on the lists (none_refused).
. "$(dirname "$0")/lib/story.sh"
story "threads make no other system calls than theirs"
grep -q "system calls  no" <("$daemon" --version --verbose) && skip "built without libseccomp"
topo_line
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

# modes: Seccomp in the status of each thread but the kernel's own; one answer when all are alike.
modes() {
    local thread name
    for thread in "/proc/$daemon_pid"/task/*; do
        name=$(cat "$thread/comm" 2>/dev/null)
        [[ -z $name || $name = iou-* ]] || sed -n 's/^Seccomp:\t//p' "$thread/status"
    done | sort -u | xargs
}
modes_are() { [ "$(modes)" = "$1" ]; }

# A thread limits itself once it is at work.
relay_start --metrics 127.0.0.1:900 --rule "$rule"
wait_for modes_are 2 || :
expect "filters of all threads" "$(modes)" 2
recv_start sink dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 1000 --rate 4000
relay_stop
recv_clean sink 1000
expect "what is said of it" "$(grep -c "sandbox:" "$daemon_log")" 0
expect "refused" "$(reported .refused_calls)" 0

relay_start --sandbox off --metrics 127.0.0.1:900 --rule "$rule"
expect "filters with --sandbox off" "$(modes)" 0
relay_stop

# Where there are only installed programs, as for debian/tests, there is nothing to preload.
[ -d "$build_top/tests/fake" ] || exit 0

# Whoever runs code on the thread that answers HTTP.
calls_refused=1
relay_wrapper=(env LD_PRELOAD="$build_top/tests/fake/intruder.so" INTRUDER_THREAD=numacast-http)
relay_start --metrics 127.0.0.1:900 --rule "$rule"
wait_for grep -q "sandbox: refused a system call to http: personality" "$daemon_log" ||
    fail "what was refused is not told"
counted() {
    in_ns mid curl -s -m 20 http://127.0.0.1:900/metrics >"$work/metrics"
    grep -q '^numacast_refused_calls_total{thread="http"} [1-9]' "$work/metrics"
}
wait_for counted || fail "what was refused is in no metric"
expect "refused to others" \
    "$(grep -c '^numacast_refused_calls_total.* [1-9]' "$work/metrics")" 1
relay_stop
expect_cmp "refused" "$(reported .refused_calls)" -gt 0
expect "lines about it" "$(grep -c "sandbox: refused" "$daemon_log")" 1

# Who ends the process at once: what was refused and not told yet, the next one tells.
. "$src_top/tests/net/lib/managed.sh"
rm "$build"
head -c 1 /dev/zero >"$work/order"
cat >"$build" <<END
#!/bin/sh
[ ! -e "$work/store/status" ] || exec "$daemon" "\$@"
exec env LD_PRELOAD="$build_top/tests/fake/intruder.so" INTRUDER_THREAD=numacast-http \
    INTRUDER_ENDS="$work/order" "$daemon" "\$@"
END
chmod 755 "$build"
configure "rule $rule"
managed_start --metrics 127.0.0.1:900
wait_for kept_is 1 || fail "the socket is not kept, but $(kept)"
expect "the finisher's filter" \
    "$(sed -n 's/^Seccomp:\t//p' "/proc/$(pgrep -P "$daemon_pid")/status")" 2
printf 1 1<>"$work/order"
in_ns mid curl -s -m 20 http://127.0.0.1:900/metrics >"$work/metrics" || true
next_is_ready || fail_now "no process comes after the one that was ended"
expect_words "what the one before was refused" "$daemon_log" \
    "the process before was refused a system call to http: personality, and 0 more"
kill -TERM "$manager"
wait_for dead "$manager" || fail "the manager does not end"
wait_end "$manager"
calls_refused=

deny=$build_top/tests/fake/deny
if [ -x "$deny" ]; then
    relay_wrapper=("$deny" "seccomp=EPERM" --)
    relay_start --rule "$rule"
    wait_for grep -q "sandbox: the kernel refuses filters.*not permitted" "$daemon_log" ||
        fail "that there is no filter is not told"
    expect_words "and what to do" "$daemon_log" "seccomp to be allowed"
    relay_stop
    relay_wrapper=("$deny" "memfd_create=ENOSYS" --)
    relay_start --rule "$rule"
    expect_words "that filters cannot be made" "$daemon_log" "sandbox: cannot make the filters"
    relay_stop
    relay_wrapper=("$deny" "memfd_create=ENOMEM" --)
    relay_refuses 1 "sandbox: cannot make the filters of system calls: Cannot allocate memory" \
        --rule "$rule"
fi
