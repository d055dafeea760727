# shellcheck shell=dash disable=SC2034
# The CPUs and the NIC of node 1 have no memory of their own. They are near each other all the
# same, and their shards take memory from the nearest node that has some, bound and verified like
# any.
title='a node with CPUs and a NIC and without memory'

machine() {
    cpus 6 sockets=3,cores=2,threads=1
    node 0 320 0-1
    node 1 - 2-3
    node 2 320 4-5
    distance 0 1 30
    distance 0 2 30
    distance 1 2 15
    nic in0 1 0
    nic tx0 - 0
}

network() {
    plug in0 10.1.0.1/24
    wire tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
}

relay() {
    start_relay "$1" --engine "$1" --balance 0 \
        --rule '239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000' || return
    expect "$1: shards" "$(shard_cpus)" '1 2 3 4 5'
    check_threads
    check_memory
    expect "$1: memory of the shards on CPUs 2 and 3" \
        "$(shards | awk '$2 == 2 || $2 == 3 { printf "%s%s", sep, $3; sep = " " }')" '2 2'
    expect "$1: flows on node 1" "$(flows_on 1)" 16
    exactly_once "$1" 16 50 --rate 1500 239.1.1.0%tx0:5000 -- 239.2.2.0%rx0:6000
    stop_relay
}

guest() {
    expect 'CPUs of node 1' "$(cat /sys/devices/system/node/node1/cpulist)" 2-3
    expect 'nodes with memory' "$(cat /sys/devices/system/node/has_memory)" 0,2
    expect 'node of in0' "$(nic_node in0)" 1
    huge_2m 0 20
    huge_2m 2 20
    network
    for engine in $ENGINES; do
        relay "$engine"
    done
}
