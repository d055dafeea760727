#!/bin/bash
# engines: uring
# builds: plain
# shellcheck disable=SC2034,SC2154
# The kernel takes flows over from their shards and gives them back, a thousand times under traffic:
# nothing is lost or doubled, and what may have been overtaken is counted. So it is when a process
# gives way to the next one, by SIGTERM and by SIGKILL, and its sockets are kept.
. "$(dirname "$0")/lib/story.sh"
story "flows go to and fro between shards and the kernel"
one_cpu
topo_line
. "$src_top/tests/net/lib/managed.sh"

fed="rule 239.1.1.0/26%in0:5000 name=fed"
to="-> 239.2.2.0/26%out0:6000"
relay_run --fastpath require --rule "${fed#rule } $to"
wait_for grep -qE 'ready|fastpath require' "$daemon_log"
if ! grep -q ready "$daemon_log"; then
    relay_end
    skip "the kernel takes no program here: $(tail -n 1 "$daemon_log")"
fi
relay_stop

# ---- a thousand turns ----
done_count=0
is_done() {
    [ "$(grep -c 'reload: done' "$daemon_log")" -ge "$done_count" ]
}

# turn KEYS: the rule has them now.
turn() {
    configure "$fed $1 $to"
    done_count=$((done_count + 1))
    kill -HUP "$daemon_pid"
    wait_for is_done || fail "the reload does not end"
}
configure "$fed fast=off $to"
relay_start --fastpath auto --rcvbuf 16M --config "$conf"
recv_start turns dst "239.2.2.0/26%d0:6000" --rcvbuf 16M
targets=()
for i in {0..63}; do
    targets+=("239.1.1.$i%s0:5000")
done
start_in src "$probe" send --quiet --json --no-loop --rate 2000 --duration 600 "${targets[@]}" \
    >"$work/sent.json" 2>"$work/send.log"
sender=$started
for i in {1..17}; do
    turn fast=on
    turn fast=off
done
stop "$sender"
relay_stop
recv_stop turns
expect "received, lost, duplicated, corrupt" \
    "$(got turns '.total | [.received, .lost, .duplicated, .corrupt] | join(" ")')" \
    "$(sent .sent) 0 0 0"
expect "out of order, beyond what is counted" "$(out_of_order turns)" 0
expect_cmp "taken over, so many times" "$(reported '[.rules[].flows[].fast.taken] | add')" -ge 1000
expect_cmp "relayed in the kernel" "$(reported '[.rules[].flows[].fast.received] | add')" -gt 0
expect_cmp "relayed by a shard" \
    "$(reported '[.rules[].flows[] | .received - .fast.received] | add')" -gt 0
expect "received in all" "$(reported .totals.received)" "$(sent .sent)"

# ---- the next process, beside a filter of somebody else ----
in_ns mid tc qdisc add dev in0 clsact
in_ns mid tc filter add dev in0 ingress prio 5 bpf bytecode "1,6 0 0 0"

# filters: how many are called for what comes in there.
filters() {
    in_ns mid tc -j filter show dev in0 ingress | jq '[.[] | select(.options.handle)] | length'
}

# carried_again: the process that is there now relays in the kernel.
carried_again() {
    [ "$(bounded "$ctl" --control "$work/control" show flows --json |
        jq '[.flows[] | select(.fast.carried)] | length')" = 64 ]
}

# count_overtaken: of the process that is about to end.
count_overtaken() {
    overtaken=$((overtaken + $(bounded "$ctl" --control "$work/control" \
        show flows --json | jq '[.flows[].fast.overtaken] | add')))
}

# succeed SIGNAL: another process comes by it, and takes the flows over.
succeed() {
    count_overtaken
    again "$1"
    wait_for carried_again || fail "after SIG$1 the flows stay with the shard"
}
configure "$fed fast=on $to"
managed_start --rcvbuf 16M --control "$work/control"
overtaken=0
recv_start next dst "239.2.2.0/26%d0:6000" --rcvbuf 16M
start_in src "$probe" send --quiet --json --no-loop --rate 2000 --duration 600 "${targets[@]}" \
    >"$work/sent.json" 2>"$work/send.log"
sender=$started
succeed TERM
expect "filters, with a new process" "$(filters)" 2
succeed KILL
expect "filters, when one was killed" "$(filters)" 2
succeed TERM
stop "$sender"
relay_settle
count_overtaken
kill -TERM "$manager"
wait_for dead "$manager" || fail "the manager does not end"
wait_end "$manager"
recv_stop next
expect "by four processes: received, lost, duplicated, corrupt" \
    "$(got next '.total | [.received, .lost, .duplicated, .corrupt] | join(" ")')" \
    "$(sent .sent) 0 0 0"
expect_cmp "out of order" "$(got next .total.reordered)" -le "$overtaken"
expect "filters in the end" "$(filters)" 1
