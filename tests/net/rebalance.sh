#!/bin/bash
# also: trains
# shellcheck disable=SC2034,SC2154
# One shard has all the work. numacastctl rebalance tells what would move and why, moves it while
# everything is relayed both ways, and nothing is lost, doubled or out of order. It does not move a
# second time, nor back with a reload.
. "$(dirname "$0")/lib/story.sh"
story "flows are rebalanced by what they cost, under traffic"
topo_line
relay_control=$work/control
export NUMACAST_CONTROL=$relay_control
conf=$work/numacastd.conf

# Placed in turn: the shards have r1 r4 r7, r2 r5 r8, and r3 r6 r9; what comes back is the last.
configure() {
    local n
    for n in 1 2 3 4 5 6 7 8; do
        echo "rule 239.1.1.$n%in0:5000 name=r$n -> 239.2.2.$n%out0:6000"
    done
    echo "rule 239.3.3.1%out0:5000 name=r9 shard=0 -> 239.4.4.1%in0:6000"
    printf '%s\n' "$@"
} >"$conf"

# asks STATUS ARGUMENT...: numacastctl must exit with STATUS; $work/answer and $work/answer.log.
asks() {
    local want=$1
    shift
    bounded "$ctl" "$@" >"$work/answer" 2>"$work/answer.log"
    expect "status of numacastctl $*" $? "$want"
}

# answered EXPRESSION: a value of the last answer, by jq.
answered() {
    jq -r "$1" "$work/answer"
}

# shards_of RULE...: where their flows are.
shards_of() {
    "$ctl" show flows --json "$@" | jq -r '[.flows[].shard] | join(" ")'
}

configure
relay_start --shards 3 --oversubscribe --rcvbuf 16M --config "$conf"
recv_start there dst 239.2.2.1%d0:6000 239.2.2.4%d0:6000 239.2.2.7%d0:6000
recv_start back src 239.4.4.1%s0:6000
rate=$(rate_of 9000 3000)
start_in src "$probe" send --quiet --rate "$rate" --duration 600 --ttl 64 "${send_extra[@]}" \
    239.1.1.1%s0:5000 239.1.1.4%s0:5000 239.1.1.7%s0:5000 2>"$work/send.log"
senders=("$started")
start_in dst "$probe" send --quiet --rate 200 --duration 600 --ttl 64 "${send_extra[@]}" \
    239.3.3.1%d0:5000 2>"$work/back.log"
senders+=("$started")
flowing() {
    "$ctl" stats --json | jq -e '.totals.received > 1000' >/dev/null
}
wait_for flowing || fail "stats tell of no datagram"
expect "all that has work is on shard 0" "$(shards_of r1 r4 r7 r9)" "0 0 0 0"

asks 0 rebalance --dry-run --window 1
expect_words "the loads" "$work/answer" "LOAD THEN"
expect_words "why" "$work/answer" "shard 0 carries 3.00 times the mean, shard 1 0.00 times"
expect_words "nothing is done" "$work/answer" "2 flows would move"
expect "a dry run moves nothing" "$(shards_of r1 r4 r7 r9)" "0 0 0 0"

asks 0 rebalance --window 1 --json
expect "what moved" "$(answered '.moves | length')" 2
expect "from where" "$(answered '[.moves[].from] | unique | join(" ")')" 0
expect "to where" "$(answered '[.moves[].to] | sort | join(" ")')" "1 2"
expect "what names its shard stays" "$(answered '[.moves[] | select(.rule == "r9")] | length')" 0
expect "rates" "$(answered '[.moves[] | .received_per_s > 100 and .sent_per_s > 100] | all')" true
expect "the loads agree" "$(answered '(.shards | map(.load) | add) - (.shards |
    map(.load_then) | add) | fabs < 3')" true
expect_words "what was done" <(answered .done) "flows: 7 kept, 2 moved, 0 added"
moved=$(shards_of r1 r4 r7)
expect "each on a shard of its own" "$(tr ' ' '\n' <<<"$moved" | sort -u | wc -l)" 3
expect "the plan says so" "$("$ctl" show plan --json | jq -r '[.flows[] |
    select(.name == "r1" or .name == "r4" or .name == "r7") | .owners[0].shard] |
    sort | join(" ")')" "0 1 2"
asks 0 show changes
expect_words "it is remembered" "$work/answer" "rebalance"
expect_words "it is logged" "$daemon_log" "goes from shard 0 to shard"

asks 0 rebalance --window 1
expect_words "what was found once" "$work/answer" "nothing is to be moved"
configure "rebalance auto=1.5"
kill -HUP "$daemon_pid"
is_reloaded() {
    grep -q 'reload: done: flows: 9 kept, 0 moved' "$daemon_log"
}
wait_for is_reloaded || fail "the reload moves what was moved, or does not end"
expect "a reload moves nothing back" "$(shards_of r1 r4 r7)" "$moved"
configure "rebalance auto=0.5"
asks 1 reload
expect_words "a wrong ratio" "$work/answer.log" "off, or auto=RATIO with a RATIO of 1.1 to 1000"

# Bad orders.
asks 2 rebalance --window 0
asks 2 rebalance now
printf '{"version":1,"command":"rebalance","window_s":%s}\n' 61 '"1"' null -1 |
    bounded socat -t 5 - "UNIX-CONNECT:$relay_control" >"$work/answer"
expect "bad windows" "$(answered '[.error.code] | join(" ")' | sort | uniq -c | tr -s ' ')" \
    " 4 bad_request"

for sender in "${senders[@]}"; do
    stop "$sender"
done
relay_stop
for sink in there back; do
    recv_stop $sink
    expect_cmp "$sink: received" "$(got $sink .total.received)" -gt 0
    fields='[.lost, .duplicated, .reordered, .corrupt, .cut]'
    expect "$sink: lost, duplicated, reordered, corrupt, cut" \
        "$(got $sink ".total | $fields | join(\" \")")" "0 0 0 0 0"
done
expect "counters went along" "$(reported '[.rules[] | select(.rule != "r9") | .received] | add')" \
    "$(got there .total.received)"
expect "nothing is gone" "$(reported .gone.flows.received)" 0
