# ha.sh - two machines with one configuration: what a change of machines costs, and how evenly flows
# are shared out.
#
# The machines are namespaces between two switches that flood (tests/net/lib/pair.sh), and relay
# with a virtual source address. Single datagrams of 200 bytes pass all the time, and a receiver
# counts what it lacks and what it has twice; that is given as milliseconds of traffic, too.
#
#   switch   a planned change by etc/ha/numacast-switch; keepalived has the address go over
#   orders   the same, where only orders decide
#   ill      the health file of the machine that relays says 1: keepalived has the address go over
#   killed   numacastd and keepalived there are killed at once, and its cable pulled
#
# keepalived's adverts go every 10 ms, as in etc/ha/keepalived.conf. What the sockets of a busy
# machine drop is no part of a change, and stands beside. Sharing is numacastd --plan of 1024 flows:
# the share of the fullest of 8 members to what each should have, and the flows of the 7 that stay
# which change hands when one goes.
# shellcheck shell=bash disable=SC2034,SC2154

ha_columns=table,case,param,run,value
ha_rate=50000

ha_suite() {
    local run case raw=$out/ha-raw.csv name src_top=$top build_top=$build
    for name in keepalived python3; do
        have $name || PATH=$PATH:/usr/sbin have $name || { fault "$name is missing"; return; }
    done
    PATH=$PATH:/usr/sbin:/sbin
    echo "$ha_columns" >"$raw"
    . "$top/tests/net/lib/topo.sh"
    . "$top/tests/net/lib/pair.sh"
    pair_topo
    for ((run = 1; run <= runs; run++)); do
        for case in switch orders ill killed; do
            ha_trial "$case" "$run"
        done
    done
    ha_share
    ha_show
}

fail_now() {
    die "$1"
}

# ha_note TABLE CASE PARAM VALUE
ha_note() {
    echo "$1,$2,$3,${run:-1},$4" >>"$out/ha-raw.csv"
}

# ha_start NAME CPU [OPTION]...: a relay there.
ha_start() {
    local name=$1 cpu=$2
    shift 2
    start_on "$name" "$cpu" "$daemon" --control "$work/$name.control" --shards 1 --cpus "$cpu" \
        --rcvbuf 64M --health-file "$work/$name.health" --exit-report "$work/$name.json" \
        --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000 src=10.77.2.9" "$@" \
        2>"$work/$name.log"
    wait_ready "$started" "$work/$name.log" || die "the relay $name does not start"
    pair_pid[$name]=$started
    printf '#!/bin/sh\nexec %s --control %s "$@"\n' "$build/src/numacastctl" \
        "$work/$name.control" >"$work/$name.ctl"
    chmod +x "$work/$name.ctl"
}

ha_well() {
    [ "$(cat "$work/$1.health")" = 0 ]
}
ha_sent() {
    "$work/$1.ctl" show rules --json | jq '[.rules[].sent] | add'
}
ha_sends() {
    [ "$(ha_sent "$1")" -gt "$2" ]
}
ha_address() {
    in_ns "$2" ip addr "$1" 10.77.2.9/32 dev out0 2>/dev/null
}

# ha_change CASE: the machines change places.
ha_change() {
    case $1 in
    switch)
        "$top/etc/ha/numacast-switch" "$work/ra.ctl" "$work/rb.ctl" \
            sh -c "echo 1 >'$work/ra.away'"
        ;;
    orders) "$top/etc/ha/numacast-switch" "$work/ra.ctl" "$work/rb.ctl" ;;
    ill) echo 1 >"$work/ra.new" && mv "$work/ra.new" "$work/ra.health" ;;
    killed)
        kill -KILL "${pair_pid[ra]}" "${pair_vrrp[ra]}" "$(cat "$work/ra.vrrp_pid")"
        in_ns ra ip link set out0 down
        ;;
    esac >"$work/change.log" 2>&1 || fault "$1: $(tail -n 1 "$work/change.log")"
}

# ha_trial CASE RUN
ha_trial() {
    local case=$1 run=$2 sender receiver name standby=()
    ha_address del ra
    ha_address del rb
    [ "$case" != orders ] || standby=(--standby)
    ha_start ra 0
    ha_start rb 0 "${standby[@]}"
    case $case in
    orders) ha_address add ra && ha_address add rb ;;
    *)
        for name in ra rb; do
            wait_for ha_well $name || die "$name is not well"
        done
        pair_vrrp ra
        wait_for pair_has_address ra || die "the first does not get the address"
        pair_vrrp rb
        ;;
    esac
    start_on dst 1 "$probe" recv --json --quiet --gro --rcvbuf 64M --ready-fd 3 \
        239.2.2.1%d0:6000 3>"$work/ready" >"$work/recv.json" 2>"$work/recv.log"
    receiver=$started
    wait_up "$receiver" test -s "$work/ready" || die "the receiver does not start"
    start_on src 1 "$probe" send --json --quiet --ttl 16 --size 200 --rate $ha_rate --count 100M \
        --sndbuf 8M 239.1.1.1%s0:5000 >"$work/send.json" 2>"$work/send.log"
    sender=$started
    wait_for ha_sends ra $((ha_rate / 2)) || fault "$case: the first does not relay"
    ha_change "$case"
    wait_for ha_sends rb $((ha_rate / 2)) || fault "$case: the second does not relay"
    kill -TERM "$sender"
    wait_end "$sender"
    for name in ra rb dst; do
        wait_for drained $name || die "datagrams stay in the sockets of $name"
    done
    kill -TERM "$receiver"
    wait_end "$receiver"
    [ "$case" = killed ] || stop "${pair_pid[ra]}"
    stop "${pair_pid[rb]}"
    ha_end_vrrp "$case"
    ha_sums "$case" "$run"
}

# ha_end_vrrp CASE: whatever keepalived is left; an address that it did not take away is.
ha_end_vrrp() {
    case $1 in
    switch | ill) stop "${pair_vrrp[ra]}" && stop "${pair_vrrp[rb]}" ;;
    killed)
        stop "${pair_vrrp[rb]}"
        in_ns ra ip link set out0 up
        wait_for carrier ra out0
        ;;
    esac
    rm -f "$work"/r?.away "$work"/r?.vrrp_pid "$work"/r?.pid "$work"/r?.check_pid
}

# ha_sums CASE RUN: what came of a trial.
ha_sums() {
    local lost doubled busy rate
    lost=$(jq .total.lost "$work/recv.json")
    doubled=$(jq .total.duplicated "$work/recv.json")
    rate=$(jq '.sent / .seconds | round' "$work/send.json")
    busy=$(jq -s '[.[].rules[].kernel_drops] | add' "$work/rb.json" \
        "$([ "$1" = killed ] && echo "$work/rb.json" || echo "$work/ra.json")")
    ha_note change "$1" rate "$rate"
    ha_note change "$1" lost "$lost"
    ha_note change "$1" doubled "$doubled"
    ha_note change "$1" lost_ms "$(calc "$lost * 1000 / $rate")"
    ha_note change "$1" socket_drops "$busy"
    [ "$doubled" -eq 0 ] || fault "$1: $doubled doubled, not 0"
    case $1 in
    switch | orders) [ "$lost" -eq 0 ] || fault "$1: $lost lost ($busy by sockets), not 0" ;;
    killed)
        [ "$(calc "($lost * 1000 / $rate <= 50)")" = 1 ] ||
            fault "$1: $lost lost, more than 50 ms of traffic"
        ;;
    esac
}

# ha_owners MEMBERS: who has each of 1024 flows.
ha_owners() {
    "$daemon" --plan=json --member "${1%%,*}" --members "$1" --rule \
        "239.1.0.0/22%lo:5000 -> 239.2.0.0/22%lo:5000" 2>"$work/plan.log" |
        jq -r '.members.flows[] | "\(.ingress) \(.active)"' | sort
}

ha_share() {
    local run=1
    ha_owners a,b,c,d,e,f,g,h >"$work/owners"
    ha_owners a,b,c,d,e,f,g >"$work/owners.less"
    ha_note share 1024x8 fullest \
        "$(awk '{ n[$2]++ } END { for (m in n) if (n[m] > most) most = n[m]; printf "%.3f",
            most * 8 / NR }' "$work/owners")"
    ha_note share 1024x8 moved_with_it \
        "$(join "$work/owners" "$work/owners.less" | awk '$2 != $3 { n++ } END {
            printf "%.4f", n / NR }')"
    ha_note share 1024x8 moved_for_nothing \
        "$(join "$work/owners" "$work/owners.less" | awk '$2 != $3 && $2 != "h" { n++ } END {
            print n + 0 }')"
    awk -F, '$1 == "share" && ($3 == "fullest" && $5 > 1.2 || $3 == "moved_with_it" &&
        ($5 < 0.1 || $5 > 0.15) || $3 == "moved_for_nothing" && $5 > 0) { exit 1 }' \
        "$out/ha-raw.csv" || fault "flows are not shared out as they should be"
}

# ha_show: medians, and of what must never be more than 0 the largest.
ha_show() {
    printf '\nChanges amid %s datagrams a second, medians of %s runs (lost, doubled: most)\n' \
        $ha_rate "$runs"
    {
        echo case,rate,lost,doubled,lost_ms,socket_drops
        awk -F, "$awk_median"'
            $1 == "change" { key = $2 "," $3; list[key] = list[key] " " $5; cases[$2]
                if ($5 + 0 > most[key] + 0) most[key] = $5 }
            END {
                split("switch orders ill killed", order, " ")
                for (i = 1; i <= 4; i++) if (order[i] in cases) { c = order[i]
                    printf "%s,%d,%d,%d,%.1f,%d\n", c, median(list[c ",rate"]), most[c ",lost"],
                        most[c ",doubled"], median(list[c ",lost_ms"]), most[c ",socket_drops"] }
            }' "$out/ha-raw.csv"
    } | tee "$out/ha-change.csv" | print_csv
    printf '\nShared out: fullest member to its share; what moves when one of 8 goes\n'
    awk -F, 'BEGIN { print "sharing,value" } $1 == "share" { print $3 "," $5 }' \
        "$out/ha-raw.csv" | tee "$out/ha-share.csv" | print_csv
}
