# shellcheck shell=dash disable=SC2034
# A container's view: a cpuset with three CPUs and the memory of node 1. What is outside does not
# exist for the daemon, and naming it is refused.
title='a cpuset with CPUs and memory of one node'

machine() {
    cpus 8 sockets=2,cores=4,threads=1
    node 0 384 0-3
    node 1 384 4-7
    nic in0 1 0
    nic tx0 - 0
    nic in1 0 1
    nic tx1 - 1
}

network() {
    plug in0 10.1.0.1/24
    plug in1 10.3.0.1/24
    wire tx tx0 10.1.0.2/24
    wire tx tx1 10.3.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
}

make_cpuset() {
    echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
    mkdir /sys/fs/cgroup/one
    echo 5-7 >/sys/fs/cgroup/one/cpuset.cpus
    echo 1 >/sys/fs/cgroup/one/cpuset.mems
}

relay() {
    start_relay "$1" --engine "$1" --require-huge \
        --rule '239.1.1.0/29%in0:5000 -> 239.2.2.0/29%out0:6000' \
        --rule '239.1.1.8/29%in1:5000 -> 239.2.2.8/29%out0:6000' || return
    expect "$1: shards" "$(shard_cpus)" '6 7'
    check_threads
    check_memory
    check_local
    exactly_once "$1, near NIC" 8 100 --rate 1500 239.1.1.0%tx0:5000 -- 239.2.2.0%rx0:6000
    exactly_once "$1, far NIC" 8 100 --rate 1500 239.1.1.8%tx1:5000 -- 239.2.2.8%rx0:6000
    stop_relay
}

inside() {
    expect 'CPUs allowed' "$(sed -n 's/^Cpus_allowed_list:[[:blank:]]*//p' /proc/self/status)" 5-7
    expect 'nodes allowed' "$(sed -n 's/^Mems_allowed_list:[[:blank:]]*//p' /proc/self/status)" 1
    export_xml cpuset-inside
    refuses '--cpus outside the cpuset' 2 'CPU 4 may not be used here' \
        --cpus 4 --rule '239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000'
    nodemem_probe arena 5 0 8388608 auto any >/tmp/said
    check "memory of the forbidden node is refused: $(tail -n 1 /tmp/said)" \
        grep -q '^err node 0: cannot bind memory: ' /tmp/said
    for engine in $ENGINES; do
        relay "$engine"
    done
}

guest() {
    huge_2m 0 20
    huge_2m 1 20
    network
    make_cpuset
    (
        echo 0 >/sys/fs/cgroup/one/cgroup.procs
        inside
    )
}
