# balance.sh - what moving flows from shard to shard costs the datagrams that pass meanwhile.
#
# 64 flows, half of them each way, over four shards: in trains of 8 at 50 000 datagrams a second
# each way, and one by one at 20 000, which is what two processors carry of them. Each round crowds
# all of them on one shard, by a reload that names it, and has them rebalanced by what they cost: so
# each flow moves there, and three of four move away again. All are received, and of all nothing may
# be lost, doubled or out of order. Senders, receivers and shards have real-time priorities, so that
# the rates are reached whatever else the machine does; those that were stand in the table.
# shellcheck shell=bash disable=SC2034,SC2154

balance_columns=table,case,param,run,value
balance_rounds=20
balance_flows=32 # each way

balance_suite() {
    local run case
    raw=$out/balance-raw.csv
    echo "$balance_columns" >"$raw"
    ! $quick || balance_rounds=4
    for ((run = 1; run <= runs; run++)); do
        for case in trains singles; do
            balance_trial $case "$run"
        done
    done
    printf '\nRebalanced %s times: 64 flows, half of them each way; medians\n' "$balance_rounds"
    raw=$raw live_medians balance
}

# balance_note PARAM VALUE
balance_note() {
    echo "balance,$case,$1,$run,$2" >>"$raw"
}

# balance_configure [OPTION]: all rules, with an option of each ingress.
balance_configure() {
    awk -v n=$balance_flows -v option="${1:-}" 'BEGIN {
        for (flow = 0; flow < n; flow++) {
            printf "rule 239.1.0.%d%%in0:5000 %s -> 239.2.0.%d%%out0:6000 ttl=9\n", flow, option,
                flow
            printf "rule 239.3.0.%d%%out0:5000 %s -> 239.4.0.%d%%in0:6000 ttl=9\n", flow, option,
                flow
        }
    }' >"$work/balance.conf"
}

balance_reload_done() {
    [ "$(grep -c 'reload: done' "$work/relay.log")" -ge "$1" ]
}

# balance_reload N OPTION: the N-th reload.
balance_reload() {
    balance_configure "$2"
    kill -HUP "$relay_pid"
    wait_for balance_reload_done "$1" || die "reload $1 does not end"
}

# balance_receive NAMESPACE CPU NAME TARGET
balance_receive() {
    start_on "$1" "$2" "$probe" recv --json --quiet --gro --rcvbuf 64M --groups $balance_flows \
        --until-end --expect-flows $balance_flows --duration 600 --ready-fd 3 "$4" \
        3>"$work/ready-$3" >"$work/$3.json" 2>"$work/$3.log"
    wait_up "$started" test -s "$work/ready-$3" || die "the receiver $3 does not start"
    live_rank "$started" 11
    ends+=("$started")
}

# balance_send NAMESPACE CPU NAME TARGET: until it is told to end.
balance_send() {
    start_on "$1" "$2" "$probe" send --json --quiet --ttl 16 --size 200 --gso "$balance_gso" \
        --rate "$balance_rate" --groups $balance_flows --end-marker --duration 600 --sndbuf 8M \
        "$4" >"$work/$3.json" 2>"$work/$3.log"
    live_rank "$started" 10
    senders+=("$started")
}

# balance_trial CASE RUN
balance_trial() {
    local case=$1 run=$2 balance_gso=1 i pid moved=0 ends=() senders=() name way total
    local ctl=("$build/src/numacastctl" --control "$work/balance.sock" --timeout 30)
    local balance_rate=20000
    [ "$case" = singles ] || { balance_gso=8 balance_rate=50000; }
    balance_configure
    start_on relay 0,1 "$daemon" --control "$work/balance.sock" --shards 4 --oversubscribe \
        --config "$work/balance.conf" --rcvbuf 16M --exit-report "$work/report.json" \
        2>"$work/relay.log"
    relay_pid=$started
    wait_ready "$relay_pid" "$work/relay.log" || die "the relay does not start"
    live_rank "$relay_pid" 12 shard
    balance_receive receiver 1 there "$(group_of 2 0)%d0:6000"
    balance_receive sender 0 back "$(group_of 4 0)%s0:6000"
    balance_send sender 0 going "$(group_of 1 0)%s0:5000"
    balance_send receiver 1 coming "$(group_of 3 0)%d0:5000"
    for ((i = 1; i <= balance_rounds; i++)); do
        balance_reload $((2 * i - 1)) shard=0
        balance_reload $((2 * i)) ''
        "${ctl[@]}" rebalance --window 0.3 --json >"$work/answer" 2>"$work/answer.log" ||
            fault "rebalance $i: $(tail -n 1 "$work/answer.log")"
        moved=$((moved + $(jq '.moves | length' "$work/answer")))
    done
    for pid in "${senders[@]}"; do
        kill -TERM "$pid"
        wait_end "$pid"
    done
    for pid in "${ends[@]}"; do
        wait_end "$pid"
    done
    stop "$relay_pid"
    balance_note rounds $((i - 1))
    for way in going coming; do
        balance_note "$way per s" "$(jq '.sent / .seconds | round' "$work/$way.json")"
    done
    balance_note "moved by loads" $moved
    moved=$((moved + $(awk '{ n += $1 } END { print n }' \
        <(grep -oE ' [0-9]+ moved' "$work/relay.log"))))
    balance_note "moved in all" $moved
    for name in received lost duplicated reordered; do
        total=0
        for way in there back; do
            total=$((total + $(jq ".total.$name" "$work/$way.json")))
        done
        balance_note $name $total
    done
    balance_note p99_us "$(jq '.total.latency_ns.p99 / 1000' "$work/there.json")"
    balance_note longest_change_us \
        "$(jq '[.. | .longest_change_ns? // empty] | max / 1000' "$work/report.json")"
}
