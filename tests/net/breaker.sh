#!/bin/bash
# Two hosts that relay each other's groups, with a hop limit that ends nothing: each datagram would
# go round for ever. They find that out and break the circle: each is kept out once, and all is
# quiet. A sender that says the same thing thousands of times loses nothing.
. "$(dirname "$0")/lib/story.sh"
story "a circle that nothing ends is found and broken"
ns_add sw src one two
for bridge in 1 2; do
    in_ns sw ip link add "br$bridge" type bridge mcast_snooping 0
    in_ns sw ip link set "br$bridge" up
done
for port in src:s0:1:1 one:l0:1:3 two:l0:1:4 one:r0:2:3 two:r0:2:4; do
    IFS=: read -r name interface bridge number <<<"$port"
    ip link add "$interface" netns "$(ns "$name")" type veth \
        peer name "p$bridge$number" netns "$(ns sw)"
    in_ns sw ip link set "p$bridge$number" master "br$bridge" up
    address "$name" "$interface" "10.77.$bridge.$number/24" "fd77:$bridge::$number/64"
done
for port in src:s0 one:l0 two:l0 one:r0 two:r0; do
    wait_for carrier "${port%:*}" "${port#*:}" || fail_now "$port does not come up"
    in_ns "${port%:*}" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
        "net.ipv4.conf.${port#*:}.rp_filter=0"
done

declare -A host_pid

# host NAME RULE...: a relay on that host.
host() {
    relay_ns=$1 relay_control=$work/$1.socket report=$work/$1.json daemon_log=$work/$1.log
    shift
    relay_start --shards 2 --oversubscribe "$@"
    host_pid[$relay_ns]=$daemon_pid
}

# both GROUP EXPRESSION: the sum of a value over that group's flows, on both hosts.
both() {
    local name
    for name in one two; do
        "$ctl" --control "$work/$name.socket" --json show flows
    done | jq -n "[inputs.flows[] | select(.ingress | contains(\"$1%\")) | $2] | add"
}

# is_over GROUP COUNT: so many of its datagrams were kept out, or lost on their way.
is_over() {
    [ "$(both "$1" ".drops.circled + .kernel_drops" 2>/dev/null)" -ge "$2" ] 2>/dev/null
}

host one --rule "239.1.1.1%l0:5000 shard=0 -> 239.1.1.1%r0:5000 ttl=16" \
    --rule "239.1.1.2%l0:5000 shard=1 -> 239.1.1.2%r0:5000 ttl=16" \
    --rule "[ff15::1%l0]:5000 shard=1 -> [ff15::1%r0]:5000 ttl=keep src=keep sport=keep"
host two --rule "239.1.1.1%r0:5000 shard=0 -> 239.1.1.1%l0:5000 ttl=16" \
    --rule "[ff15::1%r0]:5000 shard=1 -> [ff15::1%l0]:5000 ttl=keep src=keep sport=keep"
start_in src python3 "$src_top/tests/net/lib/monotone.py" 239.1.1.2 5000 s0 4500 1500 \
    >"$work/monotone.log" 2>&1
monotone_pid=$started
send src "[ff15::1%s0]:5000" --count 500 --rate 2000 --ttl 8
send src 239.1.1.1%s0:5000 --count 1500 --rate 500 --ttl 8
# Nothing goes round any more once each was kept out, and each is that once.
for circle in ff15::1=500 239.1.1.1=1500; do
    group=${circle%=*} count=${circle#*=}
    wait_for is_over "$group" "$count" || fail "$group goes on circling"
    expect "of $group, kept out or lost" "$(both "$group" ".drops.circled + .kernel_drops")" \
        "$count"
    expect_cmp "$group was found to circle" "$(both "$group" .circles)" -ge 1
done
is_told() {
    cat "$work"/{one,two}.log >"$work/said.log"
    grep -q "what is relayed comes back, last from 10.77." "$work/said.log"
}
wait_for is_told || fail "no log tells of the circle"
wait_for dead "$monotone_pid" || fail "the sender of always the same does not end"
for name in one two; do
    relay_ns=$name report=$work/$name.json daemon_log=$work/$name.log
    daemon_pid=${host_pid[$name]}
    relay_stop
done
report=$work/one.json
expect "of always the same: received, relayed, kept out" \
    "$(reported '.rules[1].flows[0] | [.received, .relayed, .drops.circled] | join(" ")')" \
    "4500 4500 0"
