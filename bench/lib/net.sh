# net.sh - the network that datagrams are measured on: three namespaces and two wires.
#
#     sender s0 --- in0 relay out0 --- d0 receiver
#
# The wires are veth pairs, so no driver and no interrupt is part of any figure. What the kernel
# does with a datagram that one end of a wire sends is done at once, on the sending processor and in
# the sender's time: the sender pays for the way into the relay's socket, the relay for the way into
# the receiver's. Only a kernel that forwards by itself makes the sender pay for both.
# shellcheck shell=bash disable=SC2034,SC2154

# start_on NAMESPACE CPU PROGRAM [ARGUMENT]...: start_in, on that processor.
start_on() {
    local where=$1 cpu=$2
    shift 2
    start_in "$where" taskset -c "$cpu" "$@"
}

# net_up: makes namespaces and wires.
net_up() {
    ns_add sender relay receiver
    veth_pair sender s0 relay in0
    veth_pair relay out0 receiver d0
    net_address sender s0 10.88.1.1/24
    net_address relay in0 10.88.1.2/24
    net_address relay out0 10.88.2.1/24
    net_address receiver d0 10.88.2.2/24
    # The kernel's forwarding leaves the source address as it is: there must be a way back to it.
    ip -n "$(ns receiver)" route add 10.88.1.0/24 via 10.88.2.1
    # Whoever connects a socket to a group needs a route.
    ip -n "$(ns relay)" route add 224.0.0.0/4 dev out0
    ip -n "$(ns sender)" route add 224.0.0.0/4 dev s0
}

net_address() {
    ip -n "$(ns "$1")" addr add "$3" dev "$2"
    ip -n "$(ns "$1")" link set "$2" up
}

# net_mtu BYTES: of all four ends.
net_mtu() {
    ip -n "$(ns sender)" link set s0 mtu "$1"
    ip -n "$(ns relay)" link set in0 mtu "$1"
    ip -n "$(ns relay)" link set out0 mtu "$1"
    ip -n "$(ns receiver)" link set d0 mtu "$1"
}

# net_steer MASK: which processors receive from the wire into the relay's namespace; 0 is the usual,
# where the sender's does.
net_steer() {
    in_ns relay sh -c "echo $1 >/sys/class/net/in0/queues/rx-0/rps_cpus"
}

# net_cut on|off: whether trains of the sender are cut into single datagrams by its own device, so
# that one sender can put more singles on the wire than any relay here can take. Off: veth hands
# trains over whole.
net_cut() {
    local offload=on
    [ "$1" != "$net_cut_is" ] || return 0
    net_cut_is=$1
    [ "$1" = off ] || offload=off
    in_ns sender ethtool -K s0 tx-udp-segmentation $offload generic-segmentation-offload $offload \
        >/dev/null
}
net_cut_is=off

# Every group that is sent to is an entry in the kernel's table of neighbours, and the table is the
# whole machine's. Beyond gc_thresh2 (512 by default) entries of groups are thrown out and made
# anew, with nearly every datagram. neigh_room ENTRIES makes room, `neigh_room usual' gives it back.
neigh_room() {
    local name value factor=1
    for name in gc_thresh1 gc_thresh2 gc_thresh3; do
        [ -n "${neigh_usual[$name]:-}" ] ||
            read -r "neigh_usual[$name]" <"/proc/sys/net/ipv4/neigh/default/$name"
        value=${neigh_usual[$name]}
        [ "$1" = usual ] || value=$(($1 * factor))
        echo "$value" >"/proc/sys/net/ipv4/neigh/default/$name"
        factor=$((factor * 2))
    done
}
declare -A neigh_usual

# neigh_forget: of the relay's and the sender's namespace.
neigh_forget() {
    ip -n "$(ns relay)" neigh flush dev out0 nud noarp
    ip -n "$(ns sender)" neigh flush dev s0 nud noarp
}

# net_bytes: bytes that came out at the far end, headers included; net_packets: in so many frames or
# trains.
net_bytes() {
    in_ns receiver cat /sys/class/net/d0/statistics/rx_bytes
}

net_packets() {
    in_ns receiver cat /sys/class/net/d0/statistics/rx_packets
}
