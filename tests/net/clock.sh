#!/bin/bash
# builds: plain
# shellcheck disable=SC2034,SC2154
# The clock of the day is set, forth and back by days and years, once between each look at it:
# nothing is lost for it, nothing waits for it, a change that compares time stamps comes to its end,
# and who asks for times is told them.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/clock.sh"
story "the clock of the day is set under a relay"
topo_line
relay_wrapper=("${clock_wrapper[@]}")
relay_control=$work/control
conf=$work/numacastd.conf

# configure GRO: of the first group; another socket receives it when it is off.
configure() {
    printf '%s\n' "rule 239.1.1.1%in0:5000 name=cut gro=$1 -> 239.2.2.1%out0:6000" \
        "rule 239.1.1.2%in0:5000 name=kept -> 239.2.2.2%out0:6000" >"$conf"
}

# year: of the last change, as the relay tells it.
year() {
    "$ctl" --control "$relay_control" show changes --json |
        jq -r '.changes[-1].time[:4]'
}

reloads=0
reload() {
    reloads=$((reloads + 1))
    kill -HUP "$daemon_pid"
    wait_for is_reloaded || fail "the reload does not end"
}
is_reloaded() {
    [ "$(grep -c 'reload: done' "$daemon_log")" -ge "$reloads" ]
}

configure on
relay_start --config "$conf"
recv_start kept dst 239.2.2.2%d0:6000
count=0
for shift_s in 1000000000 -1000000000 86400 -3600; do
    clock_set 0 "$shift_s"
    send src 239.1.1.2%s0:5000 --count 200 --rate 4000
    count=$((count + 200))
    reload
    now=$(date +%s)
    expect "the year of a reload" "$(year)" "$(date -u -d "@$((now + shift_s))" +%Y)"
done

# An hour back at each look, while a group goes on by another socket.
clock_set 2 -3600
began=$(clock_reads)
configure off
reload
expect_words "another socket" "$daemon_log" "1 received anew"
expect_cmp "looks at the clock" "$(clock_reads)" -gt "$began"
send src 239.1.1.2%s0:5000 --count 200 --rate 4000
relay_stop
recv_clean kept $((count + 200))
