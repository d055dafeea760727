# shellcheck shell=dash disable=SC2034
# isolcpus=: the kernel takes CPUs out of every affinity mask. They run no shard by themselves, the
# plan says how to use them, and named in --cpus they run shards, at home on their node.
title='CPUs isolated by the kernel command line'

machine() {
    cpus 8 sockets=2,cores=4,threads=1
    node 0 384 0-3
    node 1 384 4-7
    kernel isolcpus=5-7
    nic in0 1 0
    nic tx0 - 0
}

network() {
    plug in0 10.1.0.1/24
    wire tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
}

rule='239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000'

relay() {
    start_relay "$1" --engine "$1" --require-huge --cpus 6,7 --rule "$rule" || return
    expect "$1: shards" "$(shard_cpus)" '6 7'
    check_threads
    check_memory
    check_local
    expect "$1: flows on node 1" "$(flows_on 1)" 16
    exactly_once "$1" 16 50 --rate 1500 239.1.1.0%tx0:5000 -- 239.2.2.0%rx0:6000
    stop_relay
}

guest() {
    expect 'CPUs isolated' "$(cat /sys/devices/system/cpu/isolated)" 5-7
    expect 'affinity' "$(sed -n 's/^Cpus_allowed_list:[[:blank:]]*//p' /proc/self/status)" 0-4
    huge_2m 0 20
    huge_2m 1 20
    network
    numacastd --plan --rule "$rule" >/tmp/plan
    check 'the plan says how to use them' grep -q \
        'CPUs 5-7 are isolated .* and without a shard: --cpus 5-7 gives each one' /tmp/plan
    numacastd --check-host --rule "$rule" >/tmp/findings
    check 'the host check says so too' \
        grep -q 'isolated_cpus: CPUs 5-7 .*--cpus 5,6,7' /tmp/findings
    for engine in $ENGINES; do
        relay "$engine"
    done
}
