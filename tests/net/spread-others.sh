#!/bin/bash
# also: trains
# Others on the host: members of the group and listeners on the port come and go, a program of the
# same user binds beside a divided unicast port, and a second relay is refused there.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/spread.sh"
story "other programs beside divided flows"
spread_topo
spread_rules ""

# stranger NAME ARGUMENT...: somebody else's socket in the relay's namespace.
stranger() {
    local name=$1
    shift
    start_in mid python3 "$src_top/tests/net/lib/stranger.py" "$@" \
        >"$work/$name.count" 2>"$work/$name.log"
    eval "stranger_$name=$started"
    wait_up "$started" grep -q ready "$work/$name.log" || fail_now "stranger $name does not start"
}

relay_start --shards 8 --oversubscribe "${rules[@]}"
first_pid=$daemon_pid first_log=$daemon_log
recv_start sink dst "${sinks[@]}"

# A second relay on a divided unicast port is told as ever, and disturbs nobody.
report=$work/second.json daemon_log=$work/second.log
relay_refuses 1 "10.77.1.2:5104: cannot bind: Address already in use; another socket has this" \
    --strict --shards 2 --oversubscribe \
    --rule "10.77.1.2%in0:5104 spread=2 by=source -> 239.2.9.9%out0:6000"
relay_refuses 1 "[fd77:1::2]:5104: cannot bind: Address already in use; another socket has this" \
    --strict --rule "[fd77:1::2%in0]:5104 -> 239.2.9.9%out0:6000"
relay_refuses 1 "interface nowhere0 does not exist" --strict --shards 2 --oversubscribe \
    --rule "239.1.1.1%nowhere0:5000 spread=2 by=source -> 239.2.9.9%out0:6000"
report=$work/report.json daemon_pid=$first_pid daemon_log=$first_log

stranger four reuseport 10.77.1.2 5104 in0
stranger six reuseport fd77:1::2 5104 in0
spread_send --count-per-flow 48 --rate 400 &
sending=$!
for round in 1 2 3 4 5; do
    recv_start "member$round" mid 239.1.1.4%in0:5000 "[ff3e::1:4%in0]:5000"
    stranger "wild$round" wildcard 0.0.0.0 5000
    pid="stranger_wild$round"
    stop "${!pid}"
    stop "${recv_pid[member$round]}"
done
wait "$sending"
for who in four six; do
    pid="stranger_$who"
    stop "${!pid}"
    expect "stranger $who of the same user has heard" "$(cat "$work/$who.count")" 0
done
relay_stop
recv_clean sink "$(spread_all 48)"
spread_expect 48
