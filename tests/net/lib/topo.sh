# topo.sh - namespaces and the wires between them. Part of story.sh.
#
# Short names in stories (src, mid, dst) become unique ones by ns. IPv4 10.77.N.1 and .2, IPv6
# fd77:N::1 and ::2 on wire N. Reverse-path checks are off but where a story turns them on.
# shellcheck shell=bash disable=SC2154,SC2034

# ns NAME: the unique name of namespace NAME.
ns() {
    echo "nc$$-$1"
}

# in_ns NAME COMMAND...: runs it there.
in_ns() {
    local name=$1
    shift
    ip netns exec "$(ns "$name")" "$@"
}

# ns_add NAME...: makes namespaces.
ns_add() {
    local name
    for name in "$@"; do
        ip netns add "$(ns "$name")" || fail_now "cannot make a network namespace"
        namespaces+=("$(ns "$name")")
        in_ns "$name" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
            net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 \
            net.ipv6.conf.default.accept_ra=0
        in_ns "$name" ip link set lo up
    done
}

# wire N NAME1 IF1 NAME2 IF2: a veth pair, with addresses .1 and .2 of wire N's networks.
wire() {
    ip link add "$3" netns "$(ns "$2")" type veth peer name "$5" netns "$(ns "$4")" ||
        fail_now "cannot make a veth pair"
    address "$2" "$3" "10.77.$1.1/24" "fd77:$1::1/64"
    address "$4" "$5" "10.77.$1.2/24" "fd77:$1::2/64"
    wait_for 5 carrier "$2" "$3" || fail_now "$3 does not come up"
    wait_for 5 carrier "$4" "$5" || fail_now "$5 does not come up"
}

# address NAME IF V4 V6: brings an interface up with these addresses.
address() {
    in_ns "$1" ip link set "$2" up
    in_ns "$1" ip addr add "$3" dev "$2"
    in_ns "$1" ip -6 addr add "$4" dev "$2" nodad
}

carrier() {
    [ "$(in_ns "$1" cat "/sys/class/net/$2/operstate")" = up ]
}

# drained NAME: no UDP socket there holds a datagram that its owner has not taken. Connected ones do
# not count: what they hold are ICMP errors, and those are the sender's to read.
drained() {
    [ -z "$(in_ns "$1" ss -Huan | awk '$2 > 0 && $5 ~ /:\*$/')" ]
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
