#!/bin/bash
# also: trains
# shellcheck disable=SC2154
# A group goes on by other sockets, since it is divided otherwise, or is to be coalesced no more: at
# no moment does a datagram match two sockets or none, so each arrives once, and in order. A crowd
# beside makes the way through the sockets of the group long: a datagram may be on it at any moment.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/spread.sh"
story "a group is divided otherwise while it is received"
topo_line
for i in "${spread_sources[@]}"; do
    in_ns src ip addr add "10.77.1.1$i/24" dev s0
done
conf=$work/numacastd.conf
done_count=0

# reload HOW GRO: the first group and the third are divided so, the second is coalesced or not.
reload() {
    {
        echo "rule 239.1.1.1%in0:5000 $1 -> 239.2.2.1%out0:6000"
        echo "rule 239.1.1.2%in0:5000 gro=$2 -> 239.2.2.2%out0:6000, 239.2.2.2%out0:6001"
        echo "rule [ff3e::1:1%in0]:5000 ${1/spread=4/spread=3} -> 239.2.2.3%out0:6000"
        echo "rule 239.1.1.4%in0:5000 -> 239.2.2.4%out0:6000"
    } >"$conf"
    [ -n "$daemon_pid" ] || return
    done_count=$((done_count + 1))
    kill -HUP "$daemon_pid"
    wait_for is_done || fail "the reload does not end"
}

is_done() {
    [ "$(grep -c 'reload: ' "$daemon_log")" -ge "$done_count" ]
}

crowd_joined() {
    grep -q ready "$work/crowd"
}

reload "" on
start_in mid python3 "$NC_SRCDIR/tests/net/lib/crowd.py" 300 239.1.1.1 5000 in0 >"$work/crowd"
wait_for crowd_joined || fail "the crowd does not join"
relay_start --shards 4 --oversubscribe --rcvbuf 32M --config "$conf"
recv_start sink dst 239.2.2.1%d0:6000 239.2.2.2%d0:6000 239.2.2.2%d0:6001 239.2.2.3%d0:6000 \
    239.2.2.4%d0:6000 --rcvbuf 64M
senders=()
for i in 1 2 3 4; do
    start_in src "$probe" send --quiet --json --no-loop --duration 600 --flows 2 \
        --rate "$(rate_of 3000)" "${send_extra[@]}" --source "10.77.1.1$i" \
        239.1.1.1%s0:5000 239.1.1.2%s0:5000 239.1.1.4%s0:5000 \
        >"$work/sent-$i.json" 2>>"$work/send.log"
    senders+=("$started")
done
start_in src "$probe" send --quiet --json --no-loop --duration 600 --flows 4 \
    --rate "$(rate_of 2000)" "${send_extra[@]}" "[ff3e::1:1%s0]:5000" \
    >"$work/sent-5.json" 2>>"$work/send.log"
senders+=("$started")
for ((i = 0; i < ${ROUNDS:-2}; i++)); do
    reload "spread=2 by=source" off
    reload "spread=4 by=source" on
    reload "spread=2 by=source" off
    reload "" on
done
for pid in "${senders[@]}"; do
    stop "$pid"
done
relay_stop
recv_stop sink
expect "reloads that were done" "$(grep -c 'reload: done' "$daemon_log")" "$done_count"
all=$(jq -s 'map(.sent) | add' "$work"/sent-?.json)
fields='[.lost, .duplicated, .reordered, .corrupt, .cut]'
expect "lost, duplicated, reordered, corrupt, cut" \
    "$(got sink ".total | $fields | join(\" \")")" "0 0 0 0 0"
expect "what was sent has arrived" "$(got sink .total.received)" \
    "$(reported .totals.sent)"
expect_cmp "all that was sent" "$(got sink .total.received)" -ge "$all"
expect "lost by the kernel" "$(reported .totals.kernel_drops)" 0
