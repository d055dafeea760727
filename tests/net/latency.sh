#!/bin/bash
# also: trains
# shellcheck disable=SC2154
# --latency-sample: how long datagrams wait between the kernel and the send of each output stands
# in a histogram. It is begun and ended by a reload, and nothing is lost for it.
. "$(dirname "$0")/lib/story.sh"
story "what is received is timed until it is sent"
topo_line
conf=$work/numacastd.conf
rule="rule 239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000, 239.2.2.2%out0:6000"
relay_control=$work/control
done_count=0

# timed: how many sends of each output have been timed.
timed() {
    in_ns mid "$ctl" --control "$relay_control" --json show outputs |
        jq -r '[.. | .latency? // empty | .samples] | join(" ")'
}

is_done() {
    [ "$(grep -c 'reload: done' "$daemon_log")" -ge "$done_count" ]
}

# reload LINE...: the configuration from now on.
reload() {
    printf '%s\n' "$@" >"$conf"
    done_count=$((done_count + 1))
    kill -HUP "$daemon_pid"
    wait_for is_done || fail "the reload does not end"
}

echo "$rule" >"$conf"
relay_start --config "$conf"
recv_start sink dst 239.2.2.1%d0:6000
send src 239.1.1.1%s0:5000 --rate 10000 --count 1000
relay_settle
expect "timed without being asked" "$(timed)" "0 0"
reload "$rule" "latency-sample 1"
send src 239.1.1.1%s0:5000 --rate 10000 --count 1000
relay_settle
reload "$rule"
before=$(timed)
send src 239.1.1.1%s0:5000 --rate 10000 --count 1000
relay_settle
expect "timed after it was ended" "$(timed)" "$before"
relay_stop
recv_clean sink 3000
outputs='.rules[0].flows[0].outputs'
# Of all 3000, a third was timed: each send of it, trains as one.
expect_cmp "sends timed" "$(reported "${outputs}[0].latency.samples")" -ge 10
expect_cmp "sends timed" "$(reported "${outputs}[0].latency.samples")" -le 1000
expect "the histogram's sum is what was timed" \
    "$(reported "[${outputs}[].latency | (.sends_by_us | add) == .samples] | all")" true
expect "none took longer than all together, nor a minute" \
    "$(reported "[${outputs}[].latency | .longest_us <= .sum_us and .sum_us < 60e6] | all")" true
