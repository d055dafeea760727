# shellcheck shell=dash disable=SC2016,SC2034
# The program of the fast path on the oldest kernel, whose verifier refuses what later ones take,
# and which has no tcx links: there it is a filter, which stays when the relay is killed. The
# ingress is a virtio NIC. VLANs carry flows on both sides, and to a host.
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

# vlan NAMESPACE IF ID ADDRESS OPTION...: a VLAN of an interface there; NAMESPACE - is here.
vlan() {
    vlan_space=$1
    vlan_of=$2
    vlan_id=$3
    vlan_address=$4
    shift 4
    {
        echo "link add link $vlan_of name $vlan_of.$vlan_id type vlan id $vlan_id $*"
        echo "address add $vlan_address dev $vlan_of.$vlan_id"
        echo "link set $vlan_of.$vlan_id up"
    } >/tmp/vlan
    if [ "$vlan_space" = - ]; then
        ip -batch /tmp/vlan
    else
        in_ns "$vlan_space" /bin/ip -batch /tmp/vlan
    fi
}

# Tags are taken off and put on by the devices; one that leaves them on what it receives is a
# socket's.
vlans() {
    vlan - in0 7 10.3.0.1/24
    vlan tx tx0 7 10.3.0.2/24
    vlan - in0 9 10.5.0.1/24 reorder_hdr off
    vlan tx tx0 9 10.5.0.2/24
    vlan - out0 8 10.4.0.1/24
    vlan rx rx0 8 10.4.0.2/24
    vlan - out0 10 10.6.0.1/24 reorder_hdr off
    vlan rx rx0 10 10.6.0.2/24
    start_relay 'VLANs' --huge off --fastpath auto \
        --rule '239.1.1.0/30%in0.7:5000 -> 239.2.2.0/30%out0.8:6000, 239.2.2.0/30%out0.10:6000' \
        --rule '239.1.1.8%in0:5000 -> 10.4.0.2:6008' \
        --rule '239.1.1.9%in0.9:5000 -> 239.2.2.9%out0:6000' || return
    exactly_once 'VLAN 8' 4 200 --rate 2000 239.1.1.0%tx0.7:5000 -- 239.2.2.0%rx0.8:6000
    exactly_once 'VLAN 10' 4 200 --rate 2000 239.1.1.0%tx0.7:5000 -- 239.2.2.0%rx0.10:6000
    exactly_once 'a host' 1 100 --rate 1000 239.1.1.8%tx0:5000 -- 10.4.0.2:6008
    exactly_once 'tags that stay' 1 100 --rate 1000 239.1.1.9%tx0.9:5000 -- 239.2.2.9%rx0:6000
    stop_relay
    expect 'received by the program from a VLAN, and sent on two' \
        "$(report '.rules[0].flows | map(.fast.received, .outputs[].fast.sent) | add')" 4920
    check 'sent to a host by the program' \
        [ "$(report '.rules[1].flows[0].outputs[0].fast.sent')" -gt 0 ]
    expect 'where tags stay' "$(report '.rules[2].flows[0].fast | .received, .reason')" \
        '0 its ingress is no Ethernet, or a VLAN with reorder_hdr off'
}

guest() {
    modprobe -a sch_ingress cls_bpf 8021q
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
    vlans
}
