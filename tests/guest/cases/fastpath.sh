# shellcheck shell=dash disable=SC2016,SC2034
# The program of the fast path on the oldest kernel, whose verifier refuses what later ones take,
# and which has no tcx links: there it is a filter, which stays when the relay is killed. The
# ingress is a virtio NIC.
title='relaying in the kernel on the oldest kernel'

machine() {
    cpus 2 sockets=1,cores=2,threads=1
    node 0 768 0-1
    nic in0 0 0
    nic tx0 - 0
}

network() {
    plug in0 10.1.0.1/24
    wire tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
}

# filters: how many stand at the ingress of in0; busybox's own tc knows none.
filters() {
    /bin/tc filter show dev in0 ingress | grep -c handle
}

carry() {
    start_relay "$1" --huge off --fastpath require \
        --rule '239.1.1.0/30%in0:5000 -> 239.2.2.0/30%out0:6000, 239.3.3.0/30%out0:6000' || return
    expect "$1: filters" "$(filters)" 1
    exactly_once "$1" 4 200 --rate 2000 239.1.1.0%tx0:5000 -- 239.2.2.0%rx0:6000
}

guest() {
    modprobe -a sch_ingress cls_bpf
    network
    carry 'the first'
    kill -KILL "$RELAY_PID"
    wait "$RELAY_PID"
    expect 'filters left by one that was killed' "$(filters)" 1
    carry 'the next'
    stop_relay
    expect 'received by the program, with the markers of the end' \
        "$(report '[.rules[].flows[].fast.received] | add')" 820
    expect 'sent by it' "$(report '[.rules[].flows[].outputs[].fast.sent] | add')" 1640
    expect 'disciplines left' "$(/bin/tc qdisc show dev in0 | grep -c clsact)" 0
}
