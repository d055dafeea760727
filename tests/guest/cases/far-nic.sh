# shellcheck shell=dash disable=SC2016,SC2034
# The machine that most people have, and the mistake that most make: the NIC hangs on socket 1, and
# whoever starts at CPU 0 relays across the sockets.
title='two sockets, two threads a core, the ingress NIC on the far one'

machine() {
    cpus 8 sockets=2,cores=2,threads=2
    node 0 384 0-3
    node 1 384 4-7
    nic in0 1 0
    nic tx0 - 0
}

network() {
    plug in0 10.1.0.1/24
    wire tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
    veth in1 10.3.0.1/24 tx tx1 10.3.0.2/24
}

relay_from_the_far_nic() {
    start_relay "$1" --engine "$1" --require-huge \
        --rule '239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000' \
        --rule '[ff3e::10/125%in0]:5000 -> [ff3e::20/125%out0]:6000' || return
    expect "$1: one shard a core, one core reserved" "$(shard_cpus)" '2 4 6'
    check_threads
    check_memory
    check_local
    expect "$1: flows on node 1" "$(flows_on 1)" 24
    exactly_once "$1, IPv4" 16 50 --rate 2000 239.1.1.0%tx0:5000 -- 239.2.2.0%rx0:6000
    exactly_once "$1, IPv6" 8 100 --rate 2000 '[ff3e::10%tx0]:5000' -- '[ff3e::20%rx0]:6000'
    stop_relay
    expect "$1: relayed on node 1, by the report" "$(report \
        '[.shards[] | select(.node == 1).shard] as $near
         | [.rules[].flows[] | select(.shard as $s | $near | index($s)) | .relayed] | add')" 1720
}

relay_trains() {
    start_relay "$1, trains" --engine "$1" --smt --huge off --gro on --gso on \
        --rule '239.1.1.0/29%in1:5000 -> 239.2.2.0/29%out0:6000' || return
    expect "$1: --smt, one shard a thread, one core reserved" "$(shard_cpus)" '2 3 4 5 6 7'
    check_threads
    check_memory
    exactly_once "$1, trains" 8 400 --rate 4000 --gso 20 239.1.1.0%tx1:5000 -- \
        --gro 239.2.2.0%rx0:6000
    stop_relay
    check "$1: trains came in and went out" [ "$(report \
        '[.rules[].flows[] | .trains > 0, .outputs[].trains > 0] | all')" = true ]
}

guest() {
    expect 'node of in0' "$(nic_node in0)" 1
    huge_2m 0 20
    huge_2m 1 20
    network
    SENDER_ON='taskset 1'
    for engine in $ENGINES; do
        relay_from_the_far_nic "$engine"
        relay_trains "$engine"
    done
}
