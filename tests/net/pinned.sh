#!/bin/bash
# shellcheck disable=SC2034
# Each shard's thread is tied to the CPU that the report names, and allowed CPUs are respected.
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
relay_stop

relay_wrapper=(taskset -c 0)
relay_start --rule "$rule"
expect "under taskset -c 0" "$(threads | awk '{ print $2 }' | xargs)" 0
relay_stop
relay_wrapper=(taskset -c 0)
relay_refuses 2 "--cpus" --cpus 9999 --rule "$rule"
