# shellcheck shell=dash disable=SC2016,SC2034,SC2154
# Two sites with GRE and with WireGuard between them, both the kernel's own, by the lines of
# doc/SITES.md: the tunnels that the machines this is built on need not have.
title='GRE and WireGuard between two sites'

machine() {
    cpus 4 sockets=1,cores=4,threads=1
    node 0 512 0-3
}

pack() {
    cp "$here/../../doc/SITES.md" "$dir/etc/case/sites"
}

# Site A is here, site B a namespace.
network() {
    veth in0 10.1.0.1/24 tx tx0 10.1.0.2/24
    ns_add b
    ip link add wan0 type veth peer name wan0 netns b
    plug wan0 10.2.0.1/24
    in_ns b ip address add 10.2.0.2/24 dev wan0
    in_ns b ip link set wan0 up
    ip link add out0 netns b type veth peer name rx0
    in_ns b ip address add 10.3.0.1/24 dev out0
    in_ns b ip link set out0 up
    wire rx rx0 10.3.0.2/24
}

# site NAME RULES [PREFIX]: does what the document says under NAME; RULES gets what to relay.
site() {
    awk -v name="# $1" '/^```/ { on = 0 } on; $0 == name { on = 1 }' /etc/case/sites >/tmp/lines
    check "the document has lines on $1" test -s /tmp/lines
    while read -r line; do
        case $line in
        numacastd*) echo "${line#numacastd}" >>"$2" ;;
        *) eval "$3 $line" || fail "$line" ;;
        esac
    done </tmp/lines
}

relay() {
    : >/tmp/b.log
    eval "start /bin/ip netns exec $(ns b) numacastd --engine $1 --huge off --control off \
        --exit-report /tmp/b.json $(tr '\n' ' ' </tmp/rules-b)" 2>/tmp/b.log
    b=$started
    wait_ready "$b" /tmp/b.log || fail "$1: B is not ready: $(tail -n 3 /tmp/b.log)"
    eval "start_relay $1 --engine $1 --huge off --control off $(tr '\n' ' ' </tmp/rules-a)" ||
        return
    for tunnel in "GRE 7" "WireGuard 4"; do
        for train in 1 10; do
            exactly_once "$1, ${tunnel% *}, trains of $train" 16 50 --rate 1500 --gso $train \
                "239.1.${tunnel#* }.0%tx0:5000" -- "239.1.${tunnel#* }.0%rx0:5000"
        done
    done
    stop_relay
    stop "$b"
    expect "$1: the sums of B agree" "$(jq .consistent /tmp/b.json)" true
}

guest() {
    modprobe -a ip_gre wireguard
    cd /tmp || return
    for at in a b; do
        (umask 077 && wg genkey >$at.key && wg pubkey <$at.key >$at.pub)
    done
    network
    for name in gre wireguard; do
        site "$name at A" /tmp/rules-a
        site "$name at B" /tmp/rules-b 'in_ns b'
    done
    SENDER_ON='taskset 1'
    for engine in $ENGINES; do
        relay "$engine"
    done
}
