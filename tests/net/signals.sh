#!/bin/bash
# shellcheck disable=SC2154
# The end: SIGTERM and SIGINT drain and exit 0 with a report, a second signal ends it at once.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/capture.sh"
story "signals end the relay, and nothing is left behind"
topo_line
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

gone() {
    ! in_ns mid ip maddr show dev in0 | grep -q 239.1.1.1
}

for signal in TERM INT; do
    relay_start --rule "$rule"
    background src 239.1.1.1%s0:5000
    capture dst d0 udp 5
    kill -$signal "$daemon_pid"
    relay_end
    expect "exit status after SIG$signal amid traffic" "$relay_status" 0
    report_check
    background_stop
    wait_for gone || fail "the group is still joined"
done

# What has arrived before SIGTERM is relayed: stopped, the daemon finds a thousand datagrams and the
# signal at once.
relay_start --rule "$rule"
recv_start sink dst 239.2.2.2%d0:6000
kill -STOP "$daemon_pid"
send src 239.1.1.1%s0:5000 --count 1000 --rate 20000
kill -TERM "$daemon_pid"
kill -CONT "$daemon_pid"
relay_end
expect "exit status" "$relay_status" 0
report_check
recv_clean sink 1000

# Stopped, the daemon gets both signals before it can act on the first, then goes on.
relay_start --rule "$rule" --drain-timeout 60000
kill -STOP "$daemon_pid"
kill -TERM "$daemon_pid"
kill -INT "$daemon_pid"
kill -CONT "$daemon_pid"
relay_end
expect "exit status after two signals" "$relay_status" 0
expect_words "the second signal" "$daemon_log" "again: ending at once"
report_check

# While it starts, which takes a while with this much memory: nobody hears of it, or it drains.
starting() {
    grep -q 'starting .* shards' "$daemon_log"
}
relay_run --rule "$rule" --verbose --shards 1 --pool train=4096
wait_for starting || fail_now "numacastd does not say that it starts"
kill -TERM "$daemon_pid"
relay_end
expect "exit status after SIGTERM amid the start" "$relay_status" 0
expect_words "what became of the start" "$daemon_log" "SIGTERM: "
report_check
