#!/bin/bash
# also: fast
# Both interfaces on one segment, the same group on both sides: what the relay sends comes back to
# it, is recognised by its source, and is not relayed again; nor when the flows have moved.
. "$(dirname "$0")/lib/story.sh"
story "our own echo is dropped and counted"
ns_add sw src mid dst
in_ns sw ip link add br0 type bridge mcast_snooping 0
in_ns sw ip link set br0 up
for port in src:s0:1 mid:in0:2 mid:out0:3 dst:d0:4; do
    IFS=: read -r name interface number <<<"$port"
    ip link add "$interface" netns "$(ns "$name")" type veth \
        peer name "p$number" netns "$(ns sw)"
    in_ns sw ip link set "p$number" master br0 up
    address "$name" "$interface" "10.77.1.$number/24" "fd77:1::$number/64"
done
# By default the kernel itself refuses IPv4 from an address of its own; IPv6 has no such check.
in_ns mid sysctl -qw net.ipv4.conf.all.accept_local=1
conf=$work/numacastd.conf

# configure SHARD SHARD: who has the two flows.
configure() {
    echo "rule 239.1.1.1%in0:5000 shard=$1 -> 239.1.1.1%out0:5000"
    echo "rule [ff15::1%in0]:5000 shard=$2 -> [ff15::1%out0]:5000"
} >"$conf"

configure 0 1
relay_start --shards 2 --oversubscribe --config "$conf"
recv_start v4 dst 239.1.1.1%d0:5000
recv_start v6 dst "[ff15::1%d0]:5000"
send src 239.1.1.1%s0:5000 --count 1000 --rate 4000
send src "[ff15::1%s0]:5000" --count 1000 --rate 4000
relay_settle
configure 1 0
kill -HUP "$daemon_pid"
has_moved() {
    grep -q 'reload: done: flows: 0 kept, 2 moved' "$daemon_log"
}
wait_for has_moved || fail "the flows do not move"
send src 239.1.1.1%s0:5000 --count 1000 --rate 4000
send src "[ff15::1%s0]:5000" --count 1000 --rate 4000
relay_stop
recv_stop v4
recv_stop v6
expect "relayed" "$(reported .totals.relayed)" 4000
expect "echoes" "$(reported .totals.drops.loop)" 4000
expect "IPv4: once from the sender, once from the relay" "$(got v4 .total.received)" 4000
expect "IPv6: once from the sender, once from the relay" "$(got v6 .total.received)" 4000
