#!/bin/bash
# builds: plain
# engines: uring
# shellcheck disable=SC2034,SC2154
# Many single datagrams of one size to many outputs are a shard's, which makes trains of them: with
# --fastpath auto the kernel leaves such a flow to its shard, and has it back when that is over.
# Nothing is lost or doubled at either turn. A rule that asks for the kernel is not left.
. "$(dirname "$0")/lib/story.sh"
story "a flow that costs less by its shard is left to it"
one_cpu
topo_line
relay_control=$work/control

# Most copies end by their hop limit, so that a small machine makes as many as it takes.
outputs=$(for i in {1..252}; do printf ', 239.3.0.%d%%out0:6000 ttl=dec' "$i"; done)
four="239.2.2.1%out0:6000, 239.2.2.2%out0:6000, 239.2.2.3%out0:6000, 239.2.2.4%out0:6000"
relay_run --fastpath auto --rcvbuf 16M --rule "239.1.1.1%in0:5000 name=many -> $four$outputs" \
    --rule "239.1.1.2%in0:5000 name=asked fast=on -> ${outputs#, }"
wait_ready "$daemon_pid" "$daemon_log" || fail_now "numacastd is not ready"
if ! grep -q carried <(bounded "$ctl" --control "$relay_control" show flows \
    --json | jq '.flows[] | select(.fast.carried) | "carried"'); then
    relay_stop
    skip "the kernel takes no program here: $(grep 'fast path' "$daemon_log" | tail -n 1)"
fi
recv_start four dst 239.2.2.1%d0:6000 239.2.2.2%d0:6000 239.2.2.3%d0:6000 239.2.2.4%d0:6000 \
    --rcvbuf 16M
start_in src "$probe" send --quiet --json --no-loop --rate 8000 --size 200 --ttl 1 --duration 600 \
    239.1.1.1%s0:5000 239.1.1.2%s0:5000 >"$work/sent.json" 2>"$work/send.log"
sender=$started
wait_for grep -q 'flow 239.1.1.1%in0:5000: leaves the fast path until' "$daemon_log" ||
    fail "the flow is not left to its shard"
by_shard() {
    [ "$(bounded "$ctl" --control "$relay_control" show flows many --json |
        jq '.flows[] | .received - .fast.received')" -gt 100 ]
}
wait_for by_shard || fail "the shard relays nothing of it"
stop "$sender"
total=$(sent .sent)
wait_for grep -q 'flow 239.1.1.1%in0:5000: goes back to the fast path' "$daemon_log" ||
    fail "the flow does not come back"
carried_again() {
    [ "$(bounded "$ctl" --control "$relay_control" show rules --json |
        jq '[.rules[].fast.flows] | add')" = 2 ]
}
wait_for carried_again || fail "the kernel does not take it over again"
relay_settle
before=$(bounded "$ctl" --control "$relay_control" show flows many --json |
    jq '.flows[].fast.received')
send src 239.1.1.1%s0:5000 --count 100 --size 200 --ttl 1
relay_stop
recv_stop four
expect "four: lost, duplicated, corrupt" \
    "$(got four '.total | [.lost, .duplicated, .corrupt] | join(" ")')" "0 0 0"
expect "received by each of four" \
    "$(got four '[.flows[].received] | add / 4')" "$(reported '.rules[0].received')"
expect "received in all" "$(reported .totals.received)" $((total + 100))
expect "out of order, beyond what is counted" "$(out_of_order four)" 0
fast="[.rules[].flows[].fast | .left, .taken] | join(\" \")"
expect "left and taken: the one, and the one that asked" "$(reported "$fast")" "1 2 0 1"
expect "by the kernel in the end" "$(reported '.rules[0].flows[0].fast.received')" $((before + 100))
