# shellcheck shell=dash disable=SC2034
# CPU 0 is offline, and so is one CPU of each node besides; no shard may be planned there.
title='CPUs offline, CPU 0 among them'

machine() {
    cpus 8 sockets=2,cores=4,threads=1
    node 0 384 0-3
    node 1 384 4-7
    kernel cpu0_hotplug
    nic in0 1 0
    nic tx0 - 0
}

network() {
    plug in0 10.1.0.1/24
    wire tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
}

relay() {
    start_relay "$1" --engine "$1" --require-huge \
        --rule '239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000' || return
    expect "$1: shards" "$(shard_cpus)" '3 4 7'
    check_threads
    check_memory
    check_local
    expect "$1: flows on node 1" "$(flows_on 1)" 16
    exactly_once "$1" 16 50 --rate 1500 239.1.1.0%tx0:5000 -- 239.2.2.0%rx0:6000
    stop_relay
}

guest() {
    for cpu in 0 2 5 6; do
        echo 0 >/sys/devices/system/cpu/cpu$cpu/online
    done
    expect 'CPUs online' "$(cat /sys/devices/system/cpu/online)" 1,3-4,7
    export_xml offline-after
    huge_2m 0 20
    huge_2m 1 20
    network
    for cpu in 0 5 9; do
        refuses "--cpus $cpu" 2 "CPU $cpu does not exist or is offline" --cpus $cpu \
            --rule '239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000'
    done
    for engine in $ENGINES; do
        relay "$engine"
    done
}
