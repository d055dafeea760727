#!/bin/bash
# also: trains fast
# shellcheck disable=SC2154
# SIGHUP: the configuration is read again, and only the difference is done. What stays is not
# touched: nothing of it is lost, doubled or out of order, whatever comes, goes and changes beside
# it. A wrong configuration changes nothing.
. "$(dirname "$0")/lib/story.sh"
story "the configuration is read again while traffic flows"
[ "$carried" = none ] || one_cpu
topo_line
conf=$work/numacastd.conf

# configure LINE...: what the next SIGHUP reads; two flows and the outputs of one stay throughout.
configure() {
    {
        echo "rule 239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000"
        printf '%s\n' "$@"
    } >"$conf"
}

done_count=0
is_done() {
    [ "$(grep -c 'reload: ' "$daemon_log")" -ge "$done_count" ]
}

# reload: SIGHUP, and waits until it is done or refused.
reload() {
    done_count=$((done_count + 1))
    kill -HUP "$daemon_pid"
    wait_for is_done || fail "the reload does not end"
}

two="rule 239.1.1.2%in0:5000 -> 239.2.2.2%out0:6000"
configure "$two" "rule 239.1.1.3%in0:5000 -> 239.2.2.3%out0:6000"
relay_start --shards 2 --oversubscribe --config "$conf"
recv_start kept dst 239.2.2.1%d0:6000 239.2.2.2%d0:6000
start_in src "$probe" send --quiet --duration 600 --ttl 64 "${send_extra[@]}" \
    --rate "$(rate_of 8000)" 239.1.1.1%s0:5000 239.1.1.2%s0:5000 239.1.1.3%s0:5000 \
    239.1.1.4%s0:5000 2>"$work/send.log"
sender=$started

# Flows come, go and come again, outputs join those that stay and leave them, options change in
# place or with another socket.
for i in 1 2 3 4; do
    configure "$two, 239.2.2.20%out0:6000 rate=1M" \
        "rule 239.1.1.3%in0:5000 -> 239.2.2.3%out0:6000 ttl=3"
    reload
    configure "$two ttl=$((20 + i)), 239.2.2.20%out0:6000 rate=2M sport=700$i" \
        "rule 239.1.1.4%in0:5000 -> 239.2.2.4%out0:6000, 239.2.2.5%out0:6000"
    reload
    configure "$two ttl=dec dscp=keep"
    reload
    configure "rule 239.1.1.4%in0:5000 gro=off -> 239.2.2.4%out0:6000" "$two"
    reload
    configure "batch-wait 100" "$two" "rule 239.1.1.4%in0:5000 gro=on -> 239.2.2.4%out0:6000"
    reload
done
expect "reloads that were done" "$(grep -c 'reload: done' "$daemon_log")" 20
expect_words "what was kept" "$daemon_log" "flows: 2 kept"

# Two ways of one group come together and apart, each with a sender that the other could hear, which
# comes, gets another socket and goes.
there="rule 239.8.8.8%in0:5000 -> 239.8.8.8%out0:5000"
back="rule 239.8.8.8%out0:5000 -> 239.8.8.8%in0:5000"
configure "$two" "$there"
reload
configure "$two" "$there" "$back"
reload
configure "$two" "$there sport=7100" "$back"
reload
configure "$two" "$there, 239.8.8.8%in0:5001" "$back ttl=9"
reload
configure "$two" "$back"
reload
expect "reloads that were done" "$(grep -c 'reload: done' "$daemon_log")" 25

# What is wrong changes nothing, and says where and why.
configure "rule 239.1.1.9%in0:5000 -> 239.2.2.9%out0:6000" "rule nonsense"
reload
expect_words "a wrong line" "$daemon_log" "reload: not applied: $conf:3"
rm "$conf"
mkfifo "$conf" # nobody writes to it, and nobody is kept waiting
reload
expect_words "what is no file" "$daemon_log" \
    "reload: not applied: --config $conf: cannot be read again"
rm "$conf"
configure "$two" "balance 9" "huge off" "pool small=7"
reload
expect_words "what cannot change" "$daemon_log" "--huge, --pool: needs a restart to change"
start_in mid python3 -c 'import socket, time
taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taken.bind(("10.77.2.1", 7777))
time.sleep(600)'
holder=$started
is_taken() {
    in_ns mid ss -Huan | grep -q "10.77.2.1:7777"
}
wait_up "$holder" is_taken || fail "nobody has the port"
configure "rule 239.1.1.9%in0:5000 -> 10.77.2.2%out0:6000 src=10.77.2.1 sport=7777"
reload
expect_words "what the kernel refuses" "$daemon_log" \
    "reload: not applied: 10.77.2.1:7777: cannot bind"
stop "$holder"
expect "refusals" "$(grep -c 'reload: not applied' "$daemon_log")" 4
joined() {
    in_ns mid ip maddr show dev in0 | grep -q "$1"
}
joined 239.1.1.9 && fail "a refused reload has joined a group"
joined 239.1.1.2 || fail "a refused reload has removed a flow"

# Back to what stays; the counts of what went are kept.
configure "$two"
reload
stop "$sender"
is_left() {
    ! joined 239.1.1.4
}
wait_for is_left || fail "the group of a removed flow is still joined"
relay_stop
recv_stop kept
count=$(got kept .total.received)
expect_cmp "what stays was received" "$count" -gt 0
fields='[.lost, .duplicated, .corrupt, .cut]'
expect "kept: lost, duplicated, corrupt, cut, reordered" \
    "$(got kept ".total | $fields | join(\" \")") $(out_of_order kept)" "0 0 0 0 0"
expect "kept flows counted on" "$(reported '[.rules[].received] | add')" "$count"
expect_cmp "what went was counted" "$(reported .gone.flows.received)" -gt 0
