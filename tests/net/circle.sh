#!/bin/bash
# also: fast
# Two hosts that relay one group to each other, one direction each: nobody can know it beforehand,
# and one datagram ends after a bounded number of rounds, since its hop limit counts down.
. "$(dirname "$0")/lib/story.sh"
story "a circle of two hosts ends by itself"
ns_add sw src dst one two
for bridge in 1 2; do
    in_ns sw ip link add "br$bridge" type bridge mcast_snooping 0
    in_ns sw ip link set "br$bridge" up
done
for port in src:s0:1:1 dst:d0:1:2 one:l0:1:3 two:l0:1:4 one:r0:2:3 two:r0:2:4; do
    IFS=: read -r name interface bridge number <<<"$port"
    ip link add "$interface" netns "$(ns "$name")" type veth \
        peer name "p$bridge$number" netns "$(ns sw)"
    in_ns sw ip link set "p$bridge$number" master "br$bridge" up
    address "$name" "$interface" "10.77.$bridge.$number/24" "fd77:$bridge::$number/64"
done
for port in src:s0 dst:d0 one:l0 two:l0 one:r0 two:r0; do
    wait_for carrier "${port%:*}" "${port#*:}" || fail_now "$port does not come up"
done

declare -A host_pid

# host NAME RULE...: a relay on that host.
host() {
    relay_ns=$1 report=$work/$1.json daemon_log=$work/$1.log
    shift
    relay_start "$@"
    host_pid[$relay_ns]=$daemon_pid
}

# hosts_stop: both relays end, and their reports agree.
hosts_stop() {
    for relay_ns in one two; do
        report=$work/$relay_ns.json daemon_log=$work/$relay_ns.log
        daemon_pid=${host_pid[$relay_ns]}
        relay_stop
    done
}

# both EXPRESSION: the sum of a value over both reports.
both() {
    jq -n --slurpfile one "$work/one.json" --slurpfile two "$work/two.json" \
        "(\$one[0] | $1) + (\$two[0] | $1)"
}

received='[.rules[].received] | add'
# Sent with a hop limit of 1: received with 1, 16, 15 ... 3, every second time by the same host. The
# watcher on the sender's side sees it, and what host two sends there.
for pair in "239.1.1.1%l0:5000 239.1.1.1%r0:5000 239.1.1.1%s0:5000 239.1.1.1%d0:5000" \
    "[ff15::1%l0]:5000 [ff15::1%r0]:5000 [ff15::1%s0]:5000 [ff15::1%d0]:5000"; do
    read -r left right sender watcher <<<"$pair"
    host one --rule "$left -> $right"
    host two --rule "$right -> $left"
    recv_start watch dst "$watcher" --count 8
    send src "$sender" --count 1 --gso 1
    recv_end watch
    hosts_stop
    expect "received, both hosts together, of one datagram to $left" "$(both "$received")" 15
    expect "the end of the circle is counted" "$(both .totals.drops.ttl_expired)" 1
done

# Each host relays the group both ways, as two hosts may for redundancy: each hears what the other
# sends, so that there are two datagrams a round, and no more.
host one --rule "239.1.1.1%l0:5000 -> 239.1.1.1%r0:5000" \
    --rule "239.1.1.1%r0:5000 -> 239.1.1.1%l0:5000"
host two --rule "239.1.1.1%l0:5000 -> 239.1.1.1%r0:5000" \
    --rule "239.1.1.1%r0:5000 -> 239.1.1.1%l0:5000"
recv_start watch dst 239.1.1.1%d0:5000 --count 15
send src 239.1.1.1%s0:5000 --count 1 --gso 1
recv_end watch
hosts_stop
expect "received both ways, of one datagram" "$(both "$received")" 30
expect "both ends of the circle are counted" "$(both .totals.drops.ttl_expired)" 2
