# shellcheck shell=dash disable=SC2016,SC2034
# A NIC on each socket, relayed across both ways at once. Each flow is owned where it comes in. The
# emulated NICs compute no checksums, so this kernel refuses trains on them: sent as singles.
title='two NICs on two sockets, relaying across'

machine() {
    cpus 8 sockets=2,cores=4,threads=1
    node 0 384 0-3
    node 1 384 4-7
    nic a0 0 0
    nic b0 1 1
    nic tx0 - 0
    nic rx0 - 1
}

network() {
    plug a0 10.1.0.1/24
    plug b0 10.2.0.1/24
    wire tx tx0 10.1.0.2/24
    wire rx rx0 10.2.0.2/24
}

# Interface and node of every owner, each pair once.
owners='.shards as $shards | [.rules[].flows[]
    | "\(.ingress | sub(".*%(?<i>[^:]*):.*"; "\(.i)")):\($shards[.shard].node)"]
    | unique | .[]'

relay() {
    start_relay "$1" --engine "$1" --require-huge \
        --rule '239.1.1.0/28%a0:5000 -> 239.2.2.0/28%b0:6000 ttl=7' \
        --rule '239.3.3.0/28%b0:5000 -> 239.4.4.0/28%a0:6000 ttl=7' || return
    expect "$1: shards" "$(shard_cpus)" '1 2 3 4 5 6 7'
    check_threads
    check_memory
    check_local
    expect "$1: flows on node 0" "$(flows_on 0)" 16
    expect "$1: flows on node 1" "$(flows_on 1)" 16
    exactly_once "$1, node 0 to node 1" 16 50 --rate 2000 239.1.1.0%tx0:5000 -- 239.2.2.0%rx0:6000
    FROM=rx
    TO=tx
    exactly_once "$1, node 1 to node 0" 16 50 --rate 2000 239.3.3.0%rx0:5000 -- 239.4.4.0%tx0:6000
    FROM=tx
    TO=rx
    stop_relay
    expect "$1: owners of the flows of each NIC, by node" "$(report "$owners")" 'a0:0 b0:1'
}

# A train that the path refused was sent again as singles, and no output tried a second time.
refused_trains() {
    start_relay "$1, refused trains" --engine "$1" --huge off --gso on --batch-wait 2000 \
        --rule '239.1.1.1%a0:5000 -> 239.2.2.1%b0:6000' || return
    exactly_once "$1, refused trains" 1 900 --rate 10000 239.1.1.1%tx0:5000 -- \
        239.2.2.1%rx0:6000
    wait_for log_has 'output 239.2.2.1%b0:6000: the path refused a train'
    stop_relay
    log_says "$1: the refusal is told" 'output 239.2.2.1%b0:6000: the path refused a train'
    check "$1: what was in it was sent again" \
        [ "$(report '.rules[0].flows[0].outputs[0].resent > 0')" = true ]
}

guest() {
    expect 'node of a0' "$(nic_node a0)" 0
    expect 'node of b0' "$(nic_node b0)" 1
    huge_2m 0 20
    huge_2m 1 20
    network
    for engine in $ENGINES; do
        relay "$engine"
        refused_trains "$engine"
    done
}
