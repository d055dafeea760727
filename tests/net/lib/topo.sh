# topo.sh - the wires between namespaces (tests/lib/netns.sh). Part of story.sh.
#
# IPv4 10.77.N.1 and .2, IPv6 fd77:N::1 and ::2 on wire N.
# shellcheck shell=bash disable=SC2154,SC2034

# wire N NAME1 IF1 NAME2 IF2: a veth pair, with addresses .1 and .2 of wire N's networks.
wire() {
    veth_pair "$2" "$3" "$4" "$5"
    address "$2" "$3" "10.77.$1.1/24" "fd77:$1::1/64"
    address "$4" "$5" "10.77.$1.2/24" "fd77:$1::2/64"
    wait_for carrier "$2" "$3" || fail_now "$3 does not come up"
    wait_for carrier "$4" "$5" || fail_now "$5 does not come up"
}

# address NAME IF V4 V6: brings an interface up with these addresses.
address() {
    in_ns "$1" ip link set "$2" up
    in_ns "$1" ip addr add "$3" dev "$2"
    in_ns "$1" ip -6 addr add "$4" dev "$2" nodad
}

# wires_are_empty: nothing is on its way between interfaces, where a busy machine may keep it for a
# while. These queues are of all namespaces.
wires_are_empty() {
    local -a columns
    while read -r -a columns; do
        [[ ${columns[11]} = 00000000 ]] || return 1
    done </proc/net/softnet_stat
}

# drained NAME: no UDP socket there holds a datagram that its owner has not taken, and none is on
# its way. Connected sockets do not count: what they hold are ICMP errors, and those are the
# sender's to read.
drained() {
    wires_are_empty && [ -z "$(in_ns "$1" ss -Huan | awk '$2 > 0 && $5 ~ /:\*$/')" ]
}

# arrived NAME COUNT: programs there have taken so many datagrams, of both families, or more.
arrived() {
    [ "$(in_ns "$1" nstat -asz UdpInDatagrams Udp6InDatagrams |
        awk '$2 ~ /[0-9]/ { n += $2 } END { print n }')" -ge "$2" ]
}

# queue_empty NAME IF: its queueing discipline has passed on all that it holds.
queue_empty() {
    in_ns "$1" tc -s qdisc show dev "$2" | grep -q "backlog 0b 0p"
}

# topo_line: src:s0 --(wire 1)-- in0:mid:out0 --(wire 2)-- d0:dst
topo_line() {
    ns_add src mid dst
    wire 1 src s0 mid in0
    wire 2 mid out0 dst d0
    in_ns src ip route add 224.0.0.0/4 dev s0
    in_ns dst ip route add 224.0.0.0/4 dev d0
}

# topo_star N: as topo_line, with receivers dst1..dstN behind out1..outN (wires 11..10+N).
topo_star() {
    local i
    ns_add src mid
    wire 1 src s0 mid in0
    in_ns src ip route add 224.0.0.0/4 dev s0
    for ((i = 1; i <= $1; i++)); do
        ns_add "dst$i"
        wire $((10 + i)) mid "out$i" "dst$i" d0
    done
}
