#!/bin/bash
# also: fast
# shellcheck disable=SC2034,SC2154
# What is pending moves like everything else: a flow, and an output of a flow that is relayed. Each
# becomes live where it is then.
. "$(dirname "$0")/lib/story.sh"
story "flows move that still wait for an interface"
to_and_fro
topo_line
conf=$work/numacastd.conf

# configure SHARD: who has both flows.
configure() {
    echo "rule 239.1.1.1%in0:5000 shard=$1 -> 239.2.2.1%out0:6000, 239.2.2.2%late0:6000"
    echo "rule 239.1.1.5%late1:5000 shard=$1 -> 239.2.2.5%out0:6000"
} >"$conf"

configure 0
relay_start --shards 2 --oversubscribe --config "$conf"
recv_start kept dst 239.2.2.1%d0:6000
start_in src "$probe" send --quiet --rate "$(rate_of 2000)" --duration 600 --ttl 64 \
    239.1.1.1%s0:5000 2>"$work/send.log"
sender=$started
configure 1
kill -HUP "$daemon_pid"
has_moved() {
    grep -q 'reload: done: flows: 0 kept, 2 moved' "$daemon_log"
}
wait_for has_moved || fail "the flows do not move"
wire 3 mid late0 dst d1
wire 4 src s1 mid late1
are_live() {
    [ "$(grep -c ': live' "$daemon_log")" -eq 2 ]
}
wait_for are_live || fail "what was pending does not become live"
recv_start late dst 239.2.2.5%d0:6000
send src 239.1.1.5%s1:5000 --count 500 --rate 2000
stop "$sender"
relay_stop
recv_clean late 500
recv_stop kept
fields='[.lost, .duplicated, .reordered, .corrupt, .cut]'
expect "lost, duplicated, reordered, corrupt, cut" \
    "$(got kept ".total | $fields | join(\" \")")" "0 0 0 0 0"
expect "where they are" "$(reported '[.rules[].flows[].shard] | join(" ")')" "1 1"
late='.rules[0].flows[0].outputs[1]'
expect_cmp "sent by what was pending" "$(reported "$late.sent")" -gt 0
expect "it was offered all" "$(reported "$late.offered")" "$(got kept .total.received)"
