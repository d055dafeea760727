# netns.sh - network namespaces, for those who source words.sh.
#
# Scripts call them by short names (src, mid, dst), which ns makes unique by a prefix: several tests
# may make theirs at a time. They go away with end_all. A guest is alone, and has no prefix.
# shellcheck shell=dash disable=SC2034,SC2154
ns_prefix=

# ns NAME: the unique name of namespace NAME.
ns() {
    echo "$ns_prefix$1"
}

# in_ns NAME COMMAND...: runs it there.
in_ns() {
    local name
    name=$(ns "$1")
    shift
    ip netns exec "$name" "$@"
}

# start_in NAME PROGRAM [ARGUMENT]...: start, there. `in_ns NAME PROGRAM &' would not do: a signal
# would end the shell that waits for the program, and leave the program.
start_in() {
    local name
    name=$(ns "$1")
    shift
    start ip netns exec "$name" "$@"
}

# ns_add NAME...: makes namespaces, with their loopback up. Addresses may be used at once, and
# nothing is dropped because of where it comes from, but where a test turns that on.
ns_add() {
    local name
    for name in "$@"; do
        ip netns add "$(ns "$name")" || die "cannot make a network namespace"
        at_exit ip netns del "$(ns "$name")"
        in_ns "$name" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
            net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 \
            net.ipv6.conf.default.accept_ra=0
        in_ns "$name" ip link set lo up
    done
}

# veth_pair NAME1 IF1 NAME2 IF2: a pair of interfaces, each in its namespace, not yet up.
veth_pair() {
    ip link add "$2" netns "$(ns "$1")" type veth peer name "$4" netns "$(ns "$3")" ||
        die "cannot make a veth pair"
}

# carrier NAME IF: whether the interface has one.
carrier() {
    [ "$(in_ns "$1" cat "/sys/class/net/$2/operstate")" = up ]
}
