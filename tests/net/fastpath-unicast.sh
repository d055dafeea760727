#!/bin/bash
# builds: plain
# engines: uring
# shellcheck disable=SC2034,SC2154
# Unicast outputs are relayed in the kernel while the neighbour that leads there is known: by a
# route, a router or an interface. Each change of it is followed at once, whoever goes away has its
# flow go by sockets, and each datagram is sent once in each case.
. "$(dirname "$0")/lib/story.sh"
story "unicast outputs are relayed in the kernel while their neighbours are known"
topo_line
in_ns dst ip addr add 10.99.0.1/32 dev lo
in_ns mid ip route add 10.99.0.0/16 via 10.77.2.2
in_ns dst sysctl -qw net.ipv4.icmp_ratelimit=0

# fast WHAT: what the program has counted of flows; fast_out WHAT: of outputs.
fast() {
    reported "[.rules[].flows[].fast.$1] | add"
}
fast_out() {
    reported "[.rules[].flows[].outputs[].fast.$1] | add"
}

# carries COUNT: so many flows are relayed in the kernel by now.
carries() {
    [ "$(sed -n 's/.*fast path: \([0-9]*\) of .*/\1/p' "$daemon_log" | tail -n 1)" = "$1" ]
}

# await_carried COUNT: they are, some time.
await_carried() {
    wait_for carries "$1" || fail "not just $1 flows are relayed in the kernel"
}

# await_hop N: the neighbour on wire N is known and used. One that is forgotten before the kernel
# has found it takes with it what waits for it.
await_hop() {
    wait_for knows "$1" || fail "the neighbour on wire $1 is not found"
    await_carried 1
}

# await_kernel N: the same, and traffic of now is relayed in the kernel.
await_kernel() {
    local before
    await_hop "$1"
    before=$(by_kernel)
    wait_for relays_since "$before" || fail "nothing is relayed in the kernel by wire $1"
}
by_kernel() {
    bounded "$ctl" --control "$relay_control" show flows --json |
        jq '[.flows[].fast.received] | add'
}
relays_since() {
    [ "$(by_kernel)" -gt "$1" ]
}
knows() {
    in_ns mid ip neigh show "10.77.$1.2" | grep -q lladdr
}

# looks: how often the relay has looked at what it can carry.
looks() {
    grep -c 'fast path: [0-9]* of' "$daemon_log"
}
has_looked() {
    [ "$(looks)" -gt "$1" ]
}

# With src=keep neither the program nor the socket needs CAP_NET_RAW; two capabilities are enough.
relay_wrapper=(setpriv --bounding-set "-all,+bpf,+net_admin")
relay_run --verbose --fastpath require \
    --rule "239.1.1.1%in0:5000 -> 10.77.2.2:6000, 10.77.2.2%out0:6001 src=keep ttl=dec,
        10.99.0.1:6002, 239.2.2.2%out0:6003, 10.77.2.2:6004" \
    --rule "[ff1e::1%in0]:5000 -> [fd77:2::2]:6000, [fd77:2::2%out0]:6001"
wait_for grep -qE 'ready|fastpath require' "$daemon_log"
if ! grep -q ready "$daemon_log"; then
    relay_end
    skip "the kernel takes no program here: $(tail -n 1 "$daemon_log")"
fi
relay_wrapper=()
await_carried 2
recv_start four dst 10.77.2.2:6000 10.99.0.1:6002 239.2.2.2%d0:6003
recv_start six dst "[fd77:2::2]:6000" "[fd77:2::2]:6001"
send src 239.1.1.1%s0:5000 --count 1000 --size 0-1400 --rate unlimited --ttl 9
send src 239.1.1.1%s0:5000 --count 1000 --gso 8 --rate unlimited --ttl 9
send src "[ff1e::1%s0]:5000" --count 1000 --size 0-1400 --rate unlimited
relay_stop
recv_clean four 6000
recv_clean six 2000
expect "received by the program" "$(fast received)" 3000
expect "sent by it" "$(fast_out sent)" 12000
# Nobody hears the last one, and the host there says so.
errors='.rules[0].flows[0].outputs | map(.icmp_errors > 0 and .icmp_errors == .fast.icmp_errors)'
expect "which outputs ICMP errors have come for" "$(reported "$errors | @text")" \
    "[false,false,false,false,true]"

# Amid traffic the neighbour is forgotten, the route changes, and so does our own address: each
# datagram arrives, once.
wire 3 mid out1 dst d1
relay_control=$work/control
relay_start --verbose --fastpath auto --rule "239.1.1.1%in0:5000 -> 10.99.0.1:6002"
await_carried 1
recv_start one dst 10.99.0.1:6002
start_in src "$probe" send --quiet --json --no-loop --rate 3000 --duration 600 239.1.1.1%s0:5000 \
    >"$work/sent.json" 2>"$work/send.log"
sender=$started
for i in 1 2 3; do
    await_kernel 2
    in_ns mid ip neigh del 10.77.2.2 dev out0
    await_kernel 2
    in_ns mid ip route replace 10.99.0.0/16 via 10.77.3.2
    await_kernel 3
    in_ns mid ip link set out1 address "02:00:00:00:00:1$i"
    await_kernel 3
    in_ns mid ip neigh flush dev out1
    await_kernel 3
    in_ns mid ip route replace 10.99.0.0/16 via 10.77.2.2
done
await_kernel 2

# Where the kernel may choose another hop for its own sockets than it tells us, it is asked to.
in_ns mid ip rule add from 10.77.2.1 lookup 99
await_carried 0
in_ns mid ip rule del from 10.77.2.1 lookup 99
await_kernel 2
in_ns mid ip route replace 10.99.0.0/16 nexthop via 10.77.2.2 nexthop via 10.77.3.2
await_carried 0
in_ns mid ip route replace 10.99.0.0/16 via 10.77.2.2
await_kernel 2
stop "$sender"
total=$(sent .sent)
relay_settle # nothing is under way to the neighbour any more
for why in "rules for routes may lead an output elsewhere" \
    "the route of an output has several next hops"; do
    expect_words "why it was not" "$daemon_log" "go by their sockets: $why"
done

# The neighbour has another hardware address, then answers no more: its flow goes by its socket.
await_hop 2
before=$(looks)
in_ns dst ip link set d0 address 02:00:00:00:01:01
in_ns mid ip neigh replace 10.77.2.2 lladdr 02:00:00:00:01:01 dev out0 nud stale
wait_for has_looked "$before" || fail "nobody looks at the neighbour's other address"
await_carried 1
before=$(by_kernel)
send src 239.1.1.1%s0:5000 --count 100
relay_settle
expect "of a hundred while nothing changes, by the kernel" $(($(by_kernel) - before)) 100
in_ns dst ip link set d0 arp off
in_ns mid ip neigh del 10.77.2.2 dev out0
await_carried 0
in_ns dst ip link set d0 arp on
await_carried 1
in_ns mid ip route del 10.99.0.0/16
await_carried 0
relay_stop
recv_stop one
expect "one: received, lost, duplicated, corrupt" \
    "$(got one '.total | [.received, .lost, .duplicated, .corrupt] | join(" ")')" \
    "$((total + 100)) 0 0 0"
expect "received in all" "$(reported .totals.received)" $((total + 100))
expect "why it is not now" "$(reported '.rules[].flows[].fast.reason')" \
    "an output has no route at present"
