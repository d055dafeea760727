#!/bin/bash
# shellcheck disable=SC2154
# builds: plain
# With a descriptor store kill -9 loses, doubles and reorders nothing either, at 50 000/s: what the
# killed process had taken from its sockets is sent by its finisher, before the next process reads
# them. Where that is killed too, the next process says so.
# KILLS=100 bash tests/net/kill.sh: so many.
. "$(dirname "$0")/lib/story.sh"
story "kill -9 under traffic loses nothing"
topo_line
. "$src_top/tests/net/lib/managed.sh"

configure "rule 239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000" \
    "rule 239.1.1.2%in0:5000 -> 239.2.2.2%out0:6000, 239.2.2.3%out0:6000"
managed_start --shards 2 --oversubscribe --rcvbuf 64M
wait_for kept_is 2 || fail "the sockets of two flows are not kept, but $(kept)"

# kills NAME COUNT ARGUMENT...: so many, amid what the sender's ARGUMENTs say. What leaves by the
# third output leaves by the second as well, and is not counted.
kills() {
    local name=$1 count=$2 before i
    shift 2
    before=$(grep -c 'were sent after its end, 0 lost' "$daemon_log")
    recv_start "$name" dst 239.2.2.1%d0:6000 239.2.2.2%d0:6000 239.2.2.3%d0:6000 --rcvbuf 64M
    start_in src "$probe" send --quiet --json --no-loop --rate 25000 --duration 600 \
        "${send_extra[@]}" "$@" 239.1.1.1%s0:5000 239.1.1.2%s0:5000 >"$work/sent.json"
    for ((i = 0; i < count; i++)); do
        again KILL
    done
    stop "$started"
    judge "$name"
    expect "$name: kills whose work was finished" \
        $(($(grep -c 'were sent after its end, 0 lost' "$daemon_log") - before)) "$count"
    expect "$name: received of what was sent" "$(got "$name" \
        '[.flows[] | select(.target | startswith("239.2.2.3") | not).received] | add')" \
        "$(sent .sent)"
}
# In bursts of mixed sizes a receive is short of slots, and sends leave before the turn that
# receives.
kills even $((${KILLS:-10} / 2))
kills mixed $((${KILLS:-10} / 2)) --size 64-1400 --burst 300

# ---- both killed at once ----
finisher=$(pgrep -P "$daemon_pid")
expect "its finisher" "$(cat "/proc/$finisher/comm")" nc-finisher
kill -STOP "$daemon_pid"
kill -KILL "$finisher" "$daemon_pid"
next_is_ready || fail_now "no process comes after both were killed"
expect_words "both killed" "$daemon_log" "nobody has finished what it was about"

# ---- an end in order leaves no finisher, and nothing to say ----
finisher=$(pgrep -P "$daemon_pid")
again TERM
expect "finishers of a process that has ended" "$(test -d "/proc/$finisher" && echo 1)" ""
expect "what is said of it" "$(tail -n 20 "$daemon_log" | sed '1,/SIGTERM/d' |
    grep -c 'the process before was')" 0
kill -TERM "$manager"
wait_for dead "$manager" || fail "the manager does not end"
wait_end "$manager"

# ---- without a store: killed and started again, it joins again and relays all that comes then ----
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000"
kill -KILL "$daemon_pid"
relay_end
expect "exit status of who was killed" "$relay_status" 137
left() {
    ! in_ns mid ip maddr show dev in0 | grep -q 239.1.1.1
}
wait_for left || fail "the group is joined without anybody"
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000"
recv_start again dst 239.2.2.1%d0:6000
send src 239.1.1.1%s0:5000 --count 1000 --rate 4000 --gso 1
relay_stop
recv_clean again 1000
