# shellcheck shell=dash disable=SC2034
# 68 CPUs, each a node of its own: neither fits into one word of a mask. What the kernel takes
# early, just below 2 GiB, is most of one node, and what it takes later comes from wherever the
# shell runs: with 48 MiB a node was once left with too little for its shard.
title='more than 64 nodes and CPUs'

machine() {
    local id=0
    cpus 68 sockets=1,cores=128,threads=1,maxcpus=128
    while [ $id -lt 68 ]; do
        node $id 64 $id
        id=$((id + 1))
    done
    nic in0 66 0
    nic tx0 - 0
}

network() {
    plug in0 10.1.0.1/24
    wire tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
}

relay() {
    relay_text=$1
    shift
    start_relay "$relay_text" --balance 0 --pool small=100,standard=50,jumbo=10,train=4 "$@" \
        --rule '239.1.1.0/29%in0:5000 -> 239.2.2.0/29%out0:6000' || return
    check_threads
    check_memory
    check_local
    expect "$relay_text: flows on node 66" "$(flows_on 66)" 8
    exactly_once "$relay_text" 8 100 --rate 1000 239.1.1.0%tx0:5000 -- 239.2.2.0%rx0:6000
    stop_relay
}

guest() {
    expect 'nodes online' "$(cat /sys/devices/system/node/online)" 0-67
    expect 'node of in0' "$(nic_node in0)" 66
    network
    relay 'all CPUs' --shards 67 --huge off --engine mmsg
    expect 'shards' "$(shards | wc -l)" 67
    for node in 63 64 66; do
        huge_2m $node 2
    done
    for engine in $ENGINES; do
        relay "$engine" --engine "$engine" --require-huge --cpus 66,64,63
        expect "$engine: shards" "$(shard_cpus)" '66 64 63'
    done
}
