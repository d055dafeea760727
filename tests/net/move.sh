#!/bin/bash
# also: trains
# shellcheck disable=SC2016,SC2034,SC2154
# A flow moves to another shard, or to other buffers, while it is relayed: its sockets move with it,
# so nothing is lost, doubled or out of order, and all that was counted goes on being counted,
# whenever one looks.
. "$(dirname "$0")/lib/story.sh"
story "flows move from shard to shard under traffic"
topo_line
relay_control=$work/control
conf=$work/numacastd.conf

# configure SHARD...: what the next SIGHUP reads: the shard of each flow, or other options.
configure() {
    local n=0
    for option; do
        n=$((n + 1))
        echo "rule 239.1.1.$n%in0:5000 name=r$n $option ->" \
            "239.2.2.$n%out0:6000, 239.2.2.$n%out0:6001 ttl=9"
    done >"$conf"
    {
        printf '%s\n' "$unicast"
        echo -n "rule 239.1.1.5%in0:5000 name=many shard=$many_shard -> 239.2.2.8%out0:6001"
        for ((n = 2; n <= many_outputs; n++)); do
            echo -n ", 239.2.2.8%out0:$((6000 + n))"
        done
        echo
    } >>"$conf"
}

# A flow with more outputs than go into one list, to which more come when it has moved.
many_shard=0 many_outputs=40

# A unicast flow, which others may come to share the address with.
unicast="rule 10.77.1.1@10.77.1.2%in0:7000 name=u -> 239.2.2.9%out0:6000"

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

configure shard=0 shard=1 shard=2 gro=off
relay_start --shards 3 --oversubscribe --rcvbuf 16M --config "$conf"
sinks=()
for n in 1 2 3 4; do
    sinks+=("239.2.2.$n%d0:6000" "239.2.2.$n%d0:6001")
done
recv_start kept dst "${sinks[@]}"
recv_start unicast dst 239.2.2.9%d0:6000
recv_start many dst 239.2.2.8%d0:6001 239.2.2.8%d0:6040
start_in src "$probe" send --quiet --duration 600 --ttl 64 "${send_extra[@]}" \
    --rate "$(rate_of 8000)" 239.1.1.1%s0:5000 239.1.1.2%s0:5000 239.1.1.3%s0:5000 \
    239.1.1.4%s0:5000 2>"$work/send.log"
senders=("$started")
start_in src "$probe" send --quiet --rate "$(rate_of 1000)" --duration 600 "${send_extra[@]}" \
    10.77.1.2:7000 2>"$work/unicast.log"
senders+=("$started")
start_in src "$probe" send --quiet --duration 600 --ttl 64 "${send_extra[@]}" \
    --rate "$(rate_of 200)" 239.1.1.5%s0:5000 2>"$work/many.log"
senders+=("$started")

# Somebody looks all the while: how many flows there are, and what all have received.
export NUMACAST_CONTROL=$relay_control
start bash -c 'while "$0" show flows --json; do sleep 0.01; done' "$ctl" \
    >"$work/looks" 2>"$work/looks.log"
looker=$started

for _ in 1 2 3; do
    many_shard=1
    configure shard=1 shard=2 shard=0 "gro=off shard=1"
    reload
    many_outputs=120
    configure shard=1 shard=0 "shard=0 class=train gro=on" "gro=off class=jumbo shard=2"
    reload
    many_shard=2 many_outputs=60
    configure shard=0 shard=1 shard=2 "gro=off"
    reload
done
configure shard=0 shard=1 shard=2 "gro=on"
reload
stop "$looker"
jq -r '[(.flows | length), ([.flows[].received] | add)] | join(" ")' "$work/looks" \
    >"$work/seen" 2>"$work/seen.log"
expect_cmp "looks" "$(wc -l <"$work/seen")" -gt 3
expect "flows seen at each look" "$(cut -d ' ' -f 1 "$work/seen" | sort -u)" 6
expect "sums that went back" "$(awk '$2 < last { n++ } { last = $2 } END { print n + 0 }' \
    "$work/seen")" 0
alone=$unicast
unicast=$alone$'\n'"rule 10.77.1.9@10.77.1.2%in0:7000 -> 239.2.2.10%out0:6000"
configure shard=0 shard=1 shard=2 "gro=on"
reload
expect_words "it shares its address" "$daemon_log" "5 kept, 1 moved, 1 added, 0 removed"
unicast=$alone
configure shard=0 shard=1 shard=2 "gro=on"
reload
expect_words "it has it to itself again" "$daemon_log" "5 kept, 1 moved, 0 added, 1 removed"
expect "reloads that were done" "$(grep -c 'reload: done' "$daemon_log")" 12
expect "without receiving anew" "$(grep -c 'reload: done.*, 0 received anew' "$daemon_log")" 12
for sender in "${senders[@]}"; do
    stop "$sender"
done
relay_stop
for sink in kept unicast many; do
    recv_stop $sink
    expect_cmp "$sink: was received" "$(got $sink .total.received)" -gt 0
    fields='[.lost, .duplicated, .reordered, .corrupt, .cut]'
    expect "$sink: lost, duplicated, reordered, corrupt, cut" \
        "$(got $sink ".total | $fields | join(\" \")")" "0 0 0 0 0"
done
expect "flows counted on" \
    "$(reported '[.rules[] | select(.rule | startswith("r")) | .received] | add')" \
    "$(($(got kept .total.received) / 2))"
expect "so did that by unicast" "$(reported '.rules[] | select(.rule == "u") | .received')" \
    "$(got unicast .total.received)"
expect "nothing is gone" "$(reported .gone.flows.received)" 0
