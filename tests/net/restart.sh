#!/bin/bash
# shellcheck disable=SC2034,SC2154
# With a descriptor store the sockets outlive the process: a restart and another build lose, double
# and reorder nothing while the buffers have room, and what waits survives kill -9, too; what no
# rule asks for any more is let go.
# RESTARTS=10 bash tests/net/restart.sh: so many at each rate.
. "$(dirname "$0")/lib/story.sh"
story "a restart under traffic loses nothing, and neither does kill -9"
topo_line
. "$src_top/tests/net/lib/managed.sh"

# add_report: the process that has just ended has told the truth, and how many it received.
add_report() {
    report_check
    told=$((told + $(reported '[.rules[].received] | add')))
    expect "left unread and counted" "$(reported .totals.drops.shutdown)" 0
}

# ---- restarts and another build under traffic ----
one="rule 239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000"
two="rule 239.1.1.2%in0:5000 -> 239.2.2.2%out0:6000, 239.2.2.3%out0:6000"
sinks=(239.2.2.1%d0:6000 239.2.2.2%d0:6000 239.2.2.3%d0:6000)
configure "$one" "$two"
managed_start --shards 2 --oversubscribe --rcvbuf 64M
wait_for kept_is 2 || fail "the sockets of two flows are not kept, but $(kept)"
told=0 most=$(rate_of 20000 5000)
for rate in 1000 $most; do
    recv_start "at-$rate" dst "${sinks[@]}" --rcvbuf 64M
    start_in src "$probe" send --quiet --json --no-loop --rate $((rate / 2)) --duration 600 \
        "${send_extra[@]}" 239.1.1.1%s0:5000 239.1.1.2%s0:5000 >"$work/sent.json"
    sender=$started
    for ((i = 0; i < ${RESTARTS:-2}; i++)); do
        ln -s "$daemon" "$work/other-build"
        mv "$work/other-build" "$build"
        again TERM
        add_report
    done
    stop "$sender"
    judge "at-$rate"
    sent_all=$((${sent_all:-0} + $(sent .sent)))
done
again TERM
add_report
expect "received by all processes together" "$told" "$sent_all"

# ---- kill -9 while a thousand datagrams wait: the next process has them ----
recv_start killed dst "${sinks[@]}" --rcvbuf 64M
kill -STOP "$daemon_pid"
send src 239.1.1.1%s0:5000 239.1.1.2%s0:5000 --count 1000 --rate 20000
again KILL
recv_stop killed
expect "after kill -9: doubled" "$(got killed .total.duplicated)" 0
# A build that watches its threads has no finisher, and io_uring receives once more for a process
# that dies, 32 datagrams of a flow at most, which leave by three outputs.
unfinished=0
! grep -q 'NC_BUILD_SANITIZERS ".*thread' "$build_top/config.h" || unfinished=96
expect_cmp "after kill -9: lost" "$(got killed .total.lost)" -le "$unfinished"

# ---- what has waited for longer than max-age= is counted by who comes next ----
configure "rule 239.1.1.1%in0:5000 max-age=1 -> 239.2.2.1%out0:6000" "$two"
again TERM
kill -STOP "$daemon_pid"
send src 239.1.1.1%s0:5000 --count 500 --rate 20000
again KILL
relay_settle
configure "$one" "$two"
again TERM
add_report
expect_cmp "too old when the next process came" "$(reported .totals.drops.stale)" -gt 400

# ---- flows that come and go by reload are stored and removed ----
configure "$one" "$two" "rule 239.1.1.4%in0:5000 -> 239.2.2.4%out0:6000"
kill -HUP "$daemon_pid"
wait_for kept_is 3 || fail "the socket of an added flow is not kept"
configure "$one" "$two"
kill -HUP "$daemon_pid"
wait_for kept_is 2 || fail "the socket of a removed flow is kept"

# ---- SIGTERM amid a reload: both are pending when the process goes on ----
recv_start amid dst "${sinks[@]}" --rcvbuf 64M
start_in src "$probe" send --quiet --json --no-loop --rate 2000 --duration 600 \
    "${send_extra[@]}" 239.1.1.1%s0:5000 239.1.1.2%s0:5000 >"$work/sent.json"
sender=$started
configure "$one" "$two" "rule 239.1.3.0/26%in0:5000 -> 239.2.3.0/26%out0:6000"
kill -STOP "$daemon_pid"
kill -HUP "$daemon_pid"
kill -TERM "$daemon_pid"
kill -CONT "$daemon_pid"
next_is_ready || fail_now "no process comes after SIGTERM amid a reload"
expect_words "the reload" "$daemon_log" "reload: done: flows: 2 kept, 0 moved, 64 added"
# Of those that came just now the manager takes as many as it can in a moment.
left=$(sed -n 's/.*leaving \([0-9]*\) sockets of flows .*/\1/p' "$daemon_log" | tail -n 1)
expect_cmp "sockets that are handed over" "$left" -ge 2
stop "$sender"
judge amid
expect "of what was sent" "$(got amid '[.flows[] | select(.target | startswith("239.2.2.3") |
    not).received] | add')" "$(sent .sent)"
configure "$one" "$two"
kill -HUP "$daemon_pid"
wait_for kept_is 2 || fail "the sockets of removed flows are kept"

# ---- a rule that goes and one that changes between two processes ----
joined() {
    in_ns mid ip maddr show dev in0 | grep -q "$1"
}
recv_start changed dst "${sinks[@]}" --rcvbuf 64M
start_in src "$probe" send --quiet --json --no-loop --rate 1000 --duration 600 \
    "${send_extra[@]}" 239.1.1.1%s0:5000 >"$work/sent.json"
sender=$started
# Of what stays another output, options and shards change.
configure "rule 239.1.1.1%in0:5000 -> 239.2.2.9%out0:6000, 239.2.2.1%out0:6000 ttl=9"
again TERM
wait_for kept_is 1 || fail "the socket of a rule that has gone is kept"
left() {
    ! joined "$1"
}
wait_for left 239.1.1.2 || fail "the group of a rule that has gone is joined"
stop "$sender"
judge changed

# A flow with a source is another one, and so is its socket; the old one is let go.
configure "rule 10.77.1.1@239.1.1.1%in0:5000 gro=off -> 239.2.2.1%out0:6000"
before=$(cat "$work/store/kept")
again TERM
is_another() {
    kept_is 1 && [ "$(cat "$work/store/kept")" != "$before" ]
}
wait_for is_another || fail "the socket of a rule that has changed is kept"

# ---- the end for good leaves nothing ----
configure "$one"
again INT
expect_words "SIGINT" "$daemon_log" "SIGINT: draining"
wait_for kept_is 1 || fail "the socket of the only flow is not kept"
kill -TERM "$manager"
wait_for dead "$manager" || fail "the manager does not end"
wait_end "$manager"
expect "processes that failed" "$(grep -cvxE '0|-9' "$work/store/status")" 0
wait_for left 239.1.1 || fail "groups are joined without anybody"
