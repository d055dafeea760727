#!/bin/bash
# builds: plain
# shellcheck disable=SC2034,SC2154
# What can be is relayed in the kernel and never comes to a shard: the same datagrams, each once, in
# the same counters, whatever happens to the rules, and when fragments or a full queue come between.
. "$(dirname "$0")/lib/story.sh"
. "$src_top/tests/net/lib/check.sh"
story "flows are relayed in the kernel"
topo_line
relay_control=$work/control

# fast WHAT: what the program has counted of flows; fast_out WHAT: of outputs.
fast() {
    reported "[.rules[].flows[].fast.$1] | add"
}
fast_out() {
    reported "[.rules[].flows[].outputs[].fast.$1] | add"
}

# got_all NAME COUNT: stopped, a receiver has COUNT datagrams, none twice or hurt.
got_all() {
    recv_stop "$1"
    expect "$1: received, lost, duplicated, corrupt" \
        "$(got "$1" '.total | [.received, .lost, .duplicated, .corrupt] | join(" ")')" "$2 0 0 0"
}

fed="239.1.1.1%in0:5000 name=fed -> 239.2.2.2%out0:6000"
relay_run --fastpath require --rule "$fed, 239.2.2.3%out0:6001 ttl=dec" \
    --rule "[ff1e::1%in0]:5000 -> [ff1e::2%out0]:6000" --metrics 127.0.0.1:9469
wait_for grep -qE 'ready|fastpath require' "$daemon_log"
if ! grep -q ready "$daemon_log"; then
    relay_end
    skip "the kernel takes no program here: $(tail -n 1 "$daemon_log")"
fi
recv_start one dst 239.2.2.2%d0:6000
recv_start two dst 239.2.2.3%d0:6001
recv_start six dst "[ff1e::2%d0]:6000"
send src 239.1.1.1%s0:5000 --count 1000 --size 0-1400 --rate unlimited --ttl 9
send src 239.1.1.1%s0:5000 --count 1000 --gso 8 --rate unlimited --ttl 9
send src "[ff1e::1%s0]:5000" --count 1000 --size 0-1400 --rate unlimited

# Each view of it has the kernel's part beside the sum, by itself and of all.
get() {
    in_ns mid curl -sS -m 20 "http://127.0.0.1:9469$1" >"$work/answer"
}

# counted METRIC: the sum of its lines.
counted() {
    awk -v metric="$1" 'index($1, metric "{") == 1 { n += $NF } END { print n + 0 }' \
        "$work/answer"
}
all_there() {
    get /metrics && [ "$(counted numacast_flow_received_datagrams_total)" = 3000 ]
}
wait_for all_there || fail "the metrics do not tell of all datagrams"
for pair in flow_received:3000 output_sent:5000; do
    name=${pair%:*}_datagrams_total
    expect "$name, and in the kernel" \
        "$(counted "numacast_$name") $(counted "numacast_fast_$name")" "${pair#*:} ${pair#*:}"
done
expect "flows there" "$(awk '$1 == "numacast_fast_flows" { print $2 }' "$work/answer")" 2
sums='[.totals, .rules[], (.shards | map(.fast_flows) | {fast_flows: add})]
    | map([.fast_flows, .fast_received, .fast_sent] | map(select(.)) | join(" ")) | join(", ")'
status_tells() {
    get /status.json &&
        [ "$(jq -r "$sums" "$work/answer")" = "2 3000 5000, 1 2000 4000, 1 1000 1000, 2" ]
}
wait_for status_tells || fail "status.json: $(jq -r "$sums" "$work/answer")"
expect "show rules and show shards have the sums" "$(for what in rules shards; do
    bounded "$ctl" --control "$relay_control" show $what --json |
        jq -r ".$what | map(.fast | [.flows, .received, .sent]) | transpose | map(add) | @text"
done | uniq)" "[2,3000,5000]"
relay_stop
recv_clean one 2000
recv_clean two 2000
recv_clean six 1000
expect "received by the program" "$(fast received)" 3000
expect "sent by it" "$(fast_out sent)" 5000
expect "received in all" "$(reported .totals.received)" 3000
expect "sent in all" "$(reported .totals.sent)" 5000
expect "turns of shards that have received any" \
    "$(reported '[.shards[].batches.received_per_turn[1:][]] | add')" 0

# Fragments come between: what follows them must not overtake them. Outputs with a rate, and rules
# that do not want to, go by their sockets beside it.
relay_start --fastpath auto --metrics 127.0.0.1:9469 --rule "$fed" \
    --rule "239.1.1.2%in0:5000 -> 10.77.2.2%out0:6002 rate=1G" \
    --rule "239.1.1.3%in0:5000 fast=off -> 239.2.2.4%out0:6003"
recv_start one dst 239.2.2.2%d0:6000
recv_start others dst 10.77.2.2%d0:6002 239.2.2.4%d0:6003
send src 239.1.1.1%s0:5000 --count 500 --size 64-1400 --rate unlimited
send src 239.1.1.1%s0:5000 --count 500 --size 64-3000 --rate 20000
send src 239.1.1.2%s0:5000 239.1.1.3%s0:5000 --count 200
wait_for grep -q 'leaves the fast path' "$daemon_log" || fail "the log tells of no fragment"
# What the server tells may be of a moment ago.
reasons="fragments have come, which only a socket puts together
an output has rate="
reasons_are_told() {
    get /metrics
    [ "$(sed -n 's/^numacast_fast_reason_flows{reason="\(.*\)"} 1$/\1/p' "$work/answer")" = \
        "$reasons" ]
}
wait_for reasons_are_told || fail "reasons in the metrics: $(grep reason_flows "$work/answer")"
status_tells_reasons() {
    get /status.json
    [ "$(jq -r '.rules | map(.fast_reason) | join("\n")' "$work/answer")" = "$reasons" ]
}
wait_for status_tells_reasons || fail "and in status.json: $(cat "$work/answer")"
relay_stop
recv_clean one 1000
recv_clean others 200
expect_cmp "by the program until then" "$(fast received)" -ge 500
expect_cmp "and fewer than in all" "$(fast received)" -lt 1000
expect "why two others went by sockets" \
    "$(reported '[.rules[1, 2].flows[].fast.reason] | join("; ")')" \
    "an output has rate=; it is not asked for"

# Who misses what the kernel takes is told beforehand: another socket here, the packet filter.
look --fastpath require --rule "$fed"
expect_level fastpath_listener "" ok
expect_level fastpath_lro in0 ok
recv_start listener mid 239.1.1.1%in0:5000
in_ns mid nft add table inet t
in_ns mid nft add chain inet t c '{ type filter hook input priority 0; }'
in_ns mid nft add rule inet t c udp dport 1 drop
look --fastpath require --rule "$fed"
expect_level fastpath_listener "" warn
expect_level fastpath_firewall "" warn
relay_start --fastpath require --rule "$fed"
recv_start one dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 100 --rate 5000
relay_stop
recv_clean one 100
recv_stop listener
expect "heard by another socket" "$(got listener .total.received)" 0
in_ns mid nft flush ruleset

# A queue that is full: each datagram is sent, or counted for its output.
in_ns mid tc qdisc add dev out0 root tbf rate 20mbit burst 10kb limit 10kb
relay_start --fastpath require --rule "$fed, 239.2.2.3%out0:6001"
recv_start one dst 239.2.2.2%d0:6000
recv_start two dst 239.2.2.3%d0:6001
send src 239.1.1.1%s0:5000 --count 2000 --size 1000 --rate unlimited
relay_stop
wait_for queue_empty mid out0 || fail "the qdisc does not drain"
in_ns mid tc qdisc del dev out0 root
recv_stop one
recv_stop two
expect "received by the program" "$(fast received)" 2000
expect "sent and refused" "$(($(fast_out sent) + $(fast_out qdisc)))" 4000
expect_cmp "refused" "$(fast_out qdisc)" -gt 0
expect "what has arrived" "$(($(got one .total.received) + $(got two .total.received)))" \
    "$(fast_out sent)"

# The rules change while traffic flows.
conf=$work/numacastd.conf
reloads=0
is_done() {
    [ "$(grep -c 'reload: done' "$daemon_log")" -ge "$reloads" ]
}

# reload RULE...: what is relayed from now on.
reload() {
    printf 'rule %s\n' "$@" >"$conf"
    reloads=$((reloads + 1))
    kill -HUP "$daemon_pid"
    wait_for is_done || fail "the reload does not end"
}
echo "rule $fed" >"$conf"
relay_start --fastpath auto --config "$conf"
recv_start one dst 239.2.2.2%d0:6000
start_in src "$probe" send --quiet --json --no-loop --rate 3000 --count 6000 239.1.1.1%s0:5000 \
    >"$work/sent.json" 2>"$work/send.log"
sender=$started
for i in 1 2 3; do
    reload "$fed, 239.2.2.5%out0:600$i" "239.1.1.9%in0:5000 -> 239.2.2.9%out0:6000"
    reload "$fed ttl=3$i" "239.1.1.9%in0:5000 fast=off -> 239.2.2.9%out0:6000"
    in_ns mid ip link set out0 address "02:00:00:00:00:0$i"
    reload "$fed rate=1G"
done
wait_for dead "$sender"
reload "$fed" "239.1.4.0/25%in0:5000 -> 239.2.4.0/25%out0:6000"
expect_words "that there is no more room" "$daemon_log" 'there are more flows or outputs'
relay_stop
expect "how often that is said" "$(grep -c 'there are more flows or outputs' "$daemon_log")" 1
got_all one 6000
expect "received in all" "$(reported '.totals.received')" 6000
expect_cmp "of these by the program" "$(fast received)" -gt 0

# Killed: nothing goes on, and nothing is left.
relay_start --fastpath require --rule "$fed"
recv_start one dst 239.2.2.2%d0:6000
kill -KILL "$daemon_pid"
relay_end
send src 239.1.1.1%s0:5000 --count 10
recv_stop one
expect "relayed by nobody" "$(got one .total.received)" 0
expect "queueing disciplines left" "$(in_ns mid tc qdisc show dev in0 | grep -c clsact)" 0

# It goes on for a while if it is told to, and the next relay takes over; each datagram once.
relay_start --fastpath require --fastpath-linger 60 --rule "$fed"
recv_start one dst 239.2.2.2%d0:6000
kill -KILL "$daemon_pid"
relay_end
send src 239.1.1.1%s0:5000 --count 100
relay_start --fastpath require --rule "$fed"
send src 239.1.1.1%s0:5000 --count 100
relay_stop
got_all one 200
expect "received by the next one" "$(fast received)" 100
expect "queueing disciplines left by both" "$(in_ns mid tc qdisc show dev in0 | grep -c clsact)" 0

# Where the kernel takes no program from us, all goes by sockets, or nothing starts.
relay_wrapper=(setpriv --bounding-set "-sys_admin,-bpf")
relay_refuses 1 "--fastpath require: the kernel refuses bpf" --fastpath require --rule "$fed"
relay_start --fastpath auto --rule "$fed"
recv_start one dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 100
relay_stop
recv_clean one 100
expect_words "why all go by sockets" "$daemon_log" "expected CAP_BPF and CAP_NET_ADMIN"
