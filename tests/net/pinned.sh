#!/bin/bash
# shellcheck disable=SC2034
# Each shard's thread is tied to the CPU that the report names, and allowed CPUs are respected. The
# others, control above all, keep off these CPUs where there are more, and control comes behind.
. "$(dirname "$0")/lib/story.sh"
story "shards run where they say"
topo_line

# threads: "name cpus-allowed" of each shard thread, in order.
threads() {
    local task
    for task in "/proc/$daemon_pid"/task/*; do
        grep -q ^shard- "$task/comm" || continue
        echo "$(cat "$task/comm") $(awk '/^Cpus_allowed_list/ { print $2 }' "$task/status")"
    done | sort -V
}

# order_of TID: "policy priority nice" of a thread, as the scheduler has them.
order_of() {
    echo "$(chrt -p "$1" | sed 's/.*: //' | xargs)" \
        "$(sed 's/.*) //' "/proc/$1/stat" | awk '{ print $17 }')"
}

rule="239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000"
relay_start --rule "$rule"
threads >"$work/threads"
relay_stop
cpus=$(awk '{ print $2 }' "$work/threads" | xargs)
expect "CPUs of the threads are those of the report" "$cpus" \
    "$(reported '[.shards[].cpu | tostring] | join(" ")')"

last=$(($(nproc) - 1))
relay_start --cpus $last --rule "$rule"
expect "--cpus $last" "$(threads | awk '{ print $2 }' | xargs)" $last
others=0
[ $last -lt 2 ] || others=0-$((last - 1))
expect "control keeps off it" \
    "$(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$daemon_pid/status")" $others
nicer=$(($(nice) + 5))
[ $nicer -le 19 ] || nicer=19
expect "control comes behind" "$(order_of "$daemon_pid")" "SCHED_OTHER 0 $nicer"
relay_stop

relay_wrapper=(taskset -c 0)
relay_start --rule "$rule"
expect "under taskset -c 0" "$(threads | awk '{ print $2 }' | xargs)" 0
relay_stop

if chrt -r 7 true 2>/dev/null; then
    relay_wrapper=(chrt -r 7)
    relay_start --rule "$rule"
    expect "control comes behind with real-time priorities" "$(order_of "$daemon_pid")" \
        "SCHED_RR 6 $(nice)"
    relay_stop
fi
relay_wrapper=(taskset -c 0)
relay_refuses 2 "--cpus" --cpus 9999 --rule "$rule"
