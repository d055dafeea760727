#!/bin/bash
# also: part-fast
# Reloads make a merge of a plain flow, give it legs and take them, the first one too, change how it
# is merged, and leave one leg alone again, while the feed goes on, one leg is ever farther behind
# and another one loses. Nothing is lost or doubled. What cannot be is refused and changes nothing.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/merge.sh"
story "legs come and go while their feed is relayed"
a=239.1.1.1%a0:5000 b=239.1.1.1%b0:5000 c=239.1.1.1%c0:5000 out=239.2.2.2%out0:6000

# relayed: what the relay has sent so far.
relayed() {
    in_ns mid cat /sys/class/net/out0/statistics/tx_packets
}

# relayed_more SINCE: whether that has grown by 150.
relayed_more() {
    [ "$(relayed)" -gt $(($1 + 150)) ]
}

# on: waits until the feed has gone on for a while.
on() {
    local before
    before=$(relayed)
    wait_for relayed_more "$before" || fail "the feed does not go on"
}

# ended COUNT: whether so many reloads are over.
ended() {
    [ "$(grep -c 'reload: ' "$daemon_log")" -ge "$1" ]
}

# reload TEXT RULE...: what the relay says of it has TEXT in it, and the feed goes on for a while.
reload() {
    local text=$1 before
    shift
    before=$(grep -c 'reload: ' "$daemon_log")
    printf 'rule %s\n' "$@" >"$work/relay.conf"
    kill -HUP "$daemon_pid"
    wait_for ended $((before + 1)) || fail "the reload does not end"
    grep 'reload: ' "$daemon_log" | tail -n 1 >"$work/said.txt"
    expect_words "what is said of it" "$work/said.txt" "$text"
    on
}

merge_topo a b c
merge_lose a 50 1000000000
in_ns sw tc qdisc add dev pb root tbf rate 1100kbit burst 4kb limit 4mb ||
    skip "tc has no tbf"
echo "rule $c -> $out" >"$work/relay.conf"
relay_start --shards 2 --oversubscribe --config "$work/relay.conf"
recv_start sink dst 239.2.2.2%d0:6000
recv_start second dst 239.2.2.3%d0:6000
start_in src "$probe" send --quiet --no-loop 239.1.1.1%s0:5000 --duration 600 --rate 1000 \
    --size 100 2>"$work/send.log"
sender=$started
on
reload "flows: 1 kept, 0 moved, 1 added" "$c + $b $field skew=400 -> $out"
on
reload "flows: 2 kept" "$c + $b $field skew=5000 window=65536 -> $out"
reload "flows: 2 kept, 0 moved, 1 added" "$a + $b + $c $field skew=5000 -> $out"
reload "flows: 2 kept, 0 moved, 0 added, 1 removed" "$b + $a $field skew=5000 silent=100 -> $out"
reload "flows: 2 kept, 0 moved, 1 added" "$c + $a + $b $field skew=5000 -> $out"
reload "flows: 0 kept, 3 moved" "$c + $a + $b $field skew=5000 shard=1 -> $out"
reload "need seq= or failover=" "$c + $a -> $out"
reload "outputs: 1 kept, 1 added" "$b + $c $field skew=5000 -> $out, 239.2.2.3%out0:6000"
reload "outputs: 1 kept, 0 added, 1 removed" "$a + $c $field skew=5000 -> $out"
fresh="239.9.9.9%a0:5000 + 239.9.9.9%b0:5000 seq=rtp -> 239.9.9.8%out0:6000"
reload "flows: 1 kept, 0 moved, 2 added, 1 removed" "$c -> $out" "$fresh"
reload "flows: 3 kept" "$c $field -> $out" "$fresh"
# Nothing is remembered of what came before, so before that one leg has been alone for a while.
reload "1 feeds are told apart in another way" "$c + $a seq=u64be@16 skew=5000 -> $out"
reload "flows: 1 kept, 0 moved, 0 added, 1 removed" "$c -> $out"
reload "flows: 1 kept, 0 moved, 1 added" "$c + $a seq=hash skew=5000 -> $out"
reload "moves to another shard as it is" "$c + $a seq=hash skew=2000 shard=0 -> $out"
reload "flows: 0 kept, 2 moved" "$c + $a seq=hash skew=5000 shard=0 -> $out"
reload "flows: 0 kept, 2 moved" "$c + $a seq=hash skew=5000 shard=1 -> $out"
reload "flows: 1 kept, 0 moved, 1 added, 1 removed" "$b + $c seq=hash skew=2000 -> $out"
reload "flows: 1 kept, 0 moved, 0 added, 1 removed" "$b -> $out"
# What the other leg has brought is known for skew=, and only then is it a matter for the kernel.
alone=0
[ "$carried" = none ] || alone=24
for ((i = 0; i < alone; i++)); do
    on
done
stop "$sender"
relay_stop
recv_stop sink
recv_stop second
received=$(got sink .total.received)
expect_cmp "received" "$received" -gt 0
expect "lost, duplicated" "$(got sink '.total | [.lost, .duplicated] | join(" ")')" "0 0"
expect "all that was sent" "$(reported .totals.sent)" $((received + $(got second .total.received)))
expect "reloads that were refused" "$(grep -c 'reload: not applied' "$daemon_log")" 2
