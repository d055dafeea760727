#!/bin/bash
# also: part-fast
# A cable is pulled and plugged in again, at a switch that forwards to members only and forgets them
# with the link. Nobody asks who is there: the one query of this story comes before.
. "$(dirname "$0")/lib/story.sh"
story "after an interruption of the link a snooping switch is told again what is joined"
to_and_fro

# member GROUP: whether the switch forwards it to the relay's port from every source, or from the
# one that was asked for.
member() {
    in_ns net bridge mdb show dev br0 | grep -q "port p1 grp $1 "
}

# everything STATE: whether every group is (yes) or none is (no) forwarded to the relay's port.
everything() {
    local group known
    for group in "${groups[@]}"; do
        known=no
        member "$group" && known=yes
        [ "$known" = "$1" ] || return 1
    done
}

# filtering: whether the switch keeps a group that nobody joined from the relay's port.
filtering() {
    local before after
    before=$(in_ns mid cat /sys/class/net/in0/statistics/rx_packets)
    in_ns src "$probe" send --quiet --no-loop 239.9.9.9%s0:9999 --count 20 >/dev/null 2>&1
    in_ns src "$probe" send --quiet --no-loop "[ff1e::9999%s0]:9999" --count 20 >/dev/null 2>&1
    after=$(in_ns mid cat /sys/class/net/in0/statistics/rx_packets)
    [ $((after - before)) -lt 20 ]
}

# send_all COUNT: so many to each group, from the right source.
send_all() {
    send src 239.1.1.1%s0:5000 --count "$1" --rate 2000
    send src 239.1.1.1%s0:5001 --count "$1" --rate 2000
    send src 239.1.1.2%s0:5000 --count "$1" --rate 2000
    send src 232.1.1.1%s0:5000 --source 10.77.1.1 --count "$1" --rate 2000
    send src "[ff1e::11%s0]:5000" --count "$1" --rate 2000
    send src "[ff3e::11%s0]:5000" --source fd77:1::1 --count "$1" --rate 2000
}

ns_add src net mid dst
in_ns net ip link add br0 type bridge mcast_snooping 1 mcast_querier 0 \
    mcast_igmp_version 3 mcast_mld_version 2 || skip "this kernel or ip knows no snooping by source"
in_ns net ip link set br0 up
veth_pair src s0 net p0
veth_pair mid in0 net p1
for port in p0 p1; do
    in_ns net ip link set "$port" master br0
    in_ns net ip link set "$port" up
done
address src s0 10.77.1.1/24 fd77:1::1/64
address mid in0 10.77.1.2/24 fd77:1::2/64
wire 2 mid out0 dst d0
wire 3 src s9 mid in9
in_ns src ip route add 224.0.0.0/4 dev s0
in_ns dst ip route add 224.0.0.0/4 dev d0
groups=(239.1.1.1 239.1.1.2 232.1.1.1 ff1e::11 ff3e::11)
wait_for carrier mid in0 || fail_now "in0 does not come up"

relay_start --shards 2 --oversubscribe \
    --rule "239.1.1.1%in0:5000-5001 -> 239.2.2.1%out0:6000-6001" \
    --rule "239.1.1.2%in0:5000 spread=2 -> 239.2.2.2%out0:6002, 239.2.2.3%out0:6003" \
    --rule "10.77.1.1@232.1.1.1%in0:5000 -> 239.2.2.4%out0:6004" \
    --rule "[ff1e::11%in0]:5000 -> [ff1e::22%out0]:6005" \
    --rule "[fd77:1::1]@[ff3e::11%in0]:5000 -> [ff1e::23%out0]:6006" \
    --rule "239.1.1.9%in9:5000 -> 239.2.2.9%out0:6009"
recv_start all dst 239.2.2.1%d0:6000 239.2.2.1%d0:6001 239.2.2.2%d0:6002 239.2.2.3%d0:6003 \
    239.2.2.4%d0:6004 "[ff1e::22%d0]:6005" "[ff1e::23%d0]:6006"
recv_start other dst 239.2.2.9%d0:6009
start_in src "$probe" send --quiet --json --no-loop 239.1.1.9%s9:5000 --rate 1000 --duration 600 \
    >"$work/other.sent" 2>"$work/other.log"
other=$started

in_ns src python3 "$src_top/tests/net/lib/query.py" s0
wait_for everything yes || fail_now "the switch does not hear who is there"
wait_for filtering || skip "this switch does not filter"
send_all 100

relay_settle
in_ns net ip link set p1 down
wait_for everything no || fail_now "the switch does not forget"
in_ns net ip link set p1 up
if wait_for everything yes; then
    echo "ok: the switch was told again of every group"
else
    in_ns net bridge mdb show dev br0
    fail "the switch was not told of every group"
fi
expect_words "the log says so" "$daemon_log" "in0: the link is up again"
send_all 100

kill -TERM "$other"
wait_end "$other"
relay_stop
recv_clean all 1400
recv_clean other "$(jq -r .sent "$work/other.sent")"
