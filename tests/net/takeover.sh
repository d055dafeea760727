#!/bin/bash
# shellcheck disable=SC2154,SC2034
# engines: uring
# builds: plain
# Two machines and keepalived, as in etc/ha/keepalived.conf: both stand by (--standby) until its
# notify script tells the one that has the virtual address (src=) to relay. They change places as
# planned, by etc/ha/numacast-switch, forth and back, and nothing is lost or doubled. The health
# file of the first says that it is ill, and the second takes over; the first is well again and
# stays second; the second is killed, numacastd and keepalived at once, and the first takes over.
# Never do both relay. Then two machines that only etcd knows, by etc/ha/numacast-etcd: each has its
# part, and when one is killed the other has all.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/pair.sh"
story "keepalived and etcd decide who relays"
PATH=$PATH:/usr/sbin:/sbin
for program in keepalived etcd etcdctl; do
    have $program || skip "$program is not installed"
done
ha=$src_top/etc/ha
pair_topo

well() {
    [ "$(cat "$work/$1.health")" = 0 ]
}
sent_by() {
    pair_ctl "$1" show rules --json | jq '[.rules[].sent] | add'
}
sends() {
    [ "$(sent_by "$1")" -gt "$2" ]
}

for name in ra rb; do
    printf '#!/bin/sh\nexec %s --control %s "$@"\n' "$ctl" \
        "$work/$name.control" >"$work/$name.ctl"
    chmod +x "$work/$name.ctl"
    pair_start $name --health-file "$work/$name.health" --shards 1 --standby \
        --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000 src=10.77.2.9"
    wait_for well $name || fail "$name is not well"
done
# told NAME ORDER: whether that is the last order that its relay was given.
told() {
    [ "$(pair_ctl "$1" show changes --json | jq -r '.changes[-1].what')" = "$2: all rules" ]
}
pair_vrrp ra notify
wait_for pair_has_address ra || fail_now "the first does not get the address"
wait_for told ra active || fail_now "keepalived does not tell the first to relay"
pair_vrrp rb notify
wait_for told rb standby || fail_now "keepalived does not tell the second to stand by"
recv_start planned dst --rcvbuf 8M 239.2.2.1%d0:6000
recv_start sink dst --rcvbuf 8M 239.2.2.1%d0:6000
start_in src "$probe" send --quiet --json --no-loop 239.1.1.1%s0:5000 --count 100M --rate 2000
sender=$started
wait_for sends ra 100 || fail "the first does not relay"

# change FROM TO: as before an update of the machine.
change() {
    local before
    before=$(sent_by "$2")
    bash "$ha/numacast-switch" "$work/$1.ctl" "$work/$2.ctl" sh -c "echo 1 >'$work/$1.away'" \
        >"$work/change.log" 2>&1 || fail "$1 and $2 do not change places"
    cat "$work/change.log"
    wait_for sends "$2" $((before + 200)) || fail "$2 does not relay"
    echo 0 >"$work/$1.away"
    wait_for told "$1" standby || fail "keepalived does not tell $1 to stand by"
    expect "who has the address" \
        "$(for name in ra rb; do ! pair_has_address $name || echo $name; done)" "$2"
}
change ra rb
change rb ra
recv_stop planned
expect "planned: lost, doubled, out of order" \
    "$(got planned '.total | [.lost, .duplicated, .reordered] | join(" ")')" "0 0 0"

# Ill by its file.
before=$(sent_by rb)
in_ns ra ip link set in0 down
wait_for pair_has_address rb || fail "the second does not get the address"
wait_for sends rb $((before + 100)) || fail "the second does not relay"
in_ns ra ip link set in0 up
wait_for well ra || fail "the first is not well again"
expect "the address stays" "$(pair_has_address rb && ! pair_has_address ra && echo stays)" stays

# The second machine is gone.
kill -KILL "${pair_pid[rb]}" "${pair_vrrp[rb]}" "$(cat "$work/rb.vrrp_pid")"
in_ns rb ip link set out0 down
before=$(sent_by ra)
wait_for pair_has_address ra || fail "the first does not get the address again"
wait_for sends ra $((before + 100)) || fail "the first does not relay again"
kill -TERM "$sender"
wait_for dead "$sender"
recv_stop sink
expect "doubled" "$(got sink .total.duplicated)" 0
expect "senders that the receiver saw" "$(got sink '[.flows[].source | sub(":.*"; "")] | unique |
    join(" ")')" 10.77.2.9
lost=$(got sink .total.lost)
echo "lost in two take-overs, at 2000 a second: $lost"
stop "${pair_vrrp[ra]}"
pair_stop ra

# ---- etcd ----
in_ns rb ip link set out0 up
etcd_url=http://10.77.1.1:2379
start_in src etcd --data-dir "$work/etcd" --listen-client-urls $etcd_url \
    --advertise-client-urls $etcd_url --listen-peer-urls http://127.0.0.1:2380 \
    --log-level error >"$work/etcd.log" 2>&1
etcd=$started
etcd_serves() {
    ETCDCTL_API=3 in_ns src etcdctl --endpoints $etcd_url endpoint health >/dev/null 2>&1
}
wait_for etcd_serves || fail_now "etcd does not serve"
declare -A agent
# In place of systemctl.
printf '#!/bin/sh\necho "$*" >>"%s"\n' "$work/orders" >"$work/manager"
chmod +x "$work/manager"
ordered() {
    [ "$(tail -n 1 "$work/orders")" = "$1 numacastd.service" ]
}
lists() {
    [ "$(xargs <"$work/$1.members")" = "$2" ]
}
relays_flows() {
    [ "$(pair_ctl "$1" show flows --json | jq '[.flows[] | select(.state == "live")] | length')" \
        -eq "$2" ]
}
for name in ra rb; do
    echo $name >"$work/$name.members"
    pair_start $name --member $name --members "$work/$name.members" --shards 1 \
        --rule "239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000"
    ETCDCTL_ENDPOINTS=$etcd_url NUMACAST_TTL=1 SYSTEMCTL=$work/manager \
        start_in $name setsid bash "$ha/numacast-etcd" $name "$work/$name.members" \
        >"$work/$name.agent.log" 2>&1
    agent[$name]=$started
done
for name in ra rb; do
    wait_for lists $name "ra rb" || fail "$name does not list both: $(xargs <"$work/$name.members")"
done
part=$("$daemon" --plan=json --member ra --members ra,rb \
    --rule "239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000" |
    jq '.members.members[] | select(.member == "ra") | .active')
wait_for relays_flows ra "$part" || fail "the first does not relay its part, $part flows"
wait_for relays_flows rb $((16 - part)) || fail "the second does not relay the rest"
kill -KILL -- "-${agent[rb]}" "${pair_pid[rb]}"
wait_for lists ra "ra" || fail "the first does not see that it is alone"
wait_for relays_flows ra 16 || fail "the first does not relay everything"
ordered start || fail "who has a lease does not start its relay"
stop "$etcd"
wait_for ordered stop || fail "who has lost its lease does not end its relay"
stop "${agent[ra]}"
pair_stop ra
