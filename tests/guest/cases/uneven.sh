# shellcheck shell=dash disable=SC2034
# Nodes of 1, 4, 2 and 0 CPUs in one socket. The single CPU of node 0 must not be the one that is
# left to the rest of the system, and a NIC on the node without CPUs has no near shard.
title='four nodes in a socket, uneven CPUs, one node without any'

machine() {
    cpus 7 sockets=1,cores=7,threads=1
    node 0 256 0
    node 1 320 1-4
    node 2 256 5-6
    node 3 256 -
    nic in0 0 0
    nic in1 3 0
    nic tx0 - 0
}

network() {
    plug in0 10.1.0.1/24
    plug in1 10.1.0.3/24
    wire tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
}

relay() {
    start_relay "$1" --engine "$1" --require-huge --balance 0 \
        --rule '239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000' || return
    expect "$1: CPU 0 is the only one of its node and stays" \
        "$(shard_cpus | tr ' ' '\n' | sort -n | tr '\n' ' ' | sed 's/ $//')" '0 2 3 4 5 6'
    check_threads
    check_memory
    check_local
    expect "$1: flows on node 0" "$(flows_on 0)" 16
    exactly_once "$1" 16 50 --rate 1500 239.1.1.0%tx0:5000 -- 239.2.2.0%rx0:6000
    stop_relay
}

no_near_shard() {
    start_relay "$1, NIC on a node without CPUs" --engine "$1" --huge off \
        --rule '239.1.1.0/28%in1:5000 -> 239.2.2.0/28%out0:6000' || return
    check_memory
    exactly_once "$1, NIC on a node without CPUs" 16 50 --rate 1500 239.1.1.0%tx0:5000 -- \
        239.2.2.0%rx0:6000
    stop_relay
}

guest() {
    expect 'CPUs of node 3' "$(cat /sys/devices/system/node/node3/cpulist)" ''
    expect 'node of in1' "$(nic_node in1)" 3
    for node in 0 1 2; do
        huge_2m $node 20
    done
    network
    for engine in $ENGINES; do
        relay "$engine"
        no_near_shard "$engine"
    done
}
