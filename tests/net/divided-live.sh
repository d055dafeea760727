#!/bin/bash
# also: trains
# shellcheck disable=SC2154
# Flows that several shards divide by their senders come, go and change while the relay runs, as any
# other: what stays beside them loses nothing, what comes is relayed whole, its interface may come
# late, go and come back, and all that was received is accounted for.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/spread.sh"
story "divided flows are added, removed, changed and follow their interface"
topo_line
for i in "${spread_sources[@]}"; do
    in_ns src ip addr add "10.77.1.1$i/24" dev s0
    in_ns src ip -6 addr add "fd77:1::1$i/64" dev s0 nodad
done
conf=$work/numacastd.conf
kept="rule 239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000"
half="rule 239.1.1.2%in0:5000 spread=2 by=source -> 239.2.2.2%out0:6000"
late="rule 239.1.1.3%in1:5000 name=late spread=2 by=source -> 239.2.2.3%out0:6000"
done_count=0

# configure LINE...: what the next reload reads.
configure() {
    printf '%s\n' "$kept" "$late" "$@" >"$conf"
}

is_done() {
    [ "$(grep -c 'reload: ' "$daemon_log")" -ge "$done_count" ]
}

reload() {
    done_count=$((done_count + 1))
    kill -HUP "$daemon_pid"
    wait_for is_done || fail "the reload does not end"
}

live_count() {
    [ "$(grep -cF "$1: live" "$daemon_log")" -ge "$2" ]
}

pending_count() {
    [ "$(grep -cF "$1: pending: " "$daemon_log")" -ge "$2" ]
}

# all_send COUNT TARGET...: each sender sends COUNT datagrams to each target, one by one or trains.
# One that moved to another CPU would have another shard with by=cpu, and could overtake itself.
mapfile -t allowed < <(spread_cpus)
all_send() {
    local i count=$1 pids=() pid
    shift
    for i in "${spread_sources[@]}"; do
        start_in src taskset -c "${allowed[i % ${#allowed[@]}]}" \
            "$probe" send --quiet --no-loop --rate "$(rate_of 2000)" "${send_extra[@]}" \
            --count-per-flow "$count" --source "$from$i" "$@" \
            >>"$work/sent.out" 2>>"$work/send.log"
        pids+=("$started")
    done
    for pid in "${pids[@]}"; do
        wait_end "$pid" || fail "a sender failed: $(tail -n 3 "$work/send.log")"
    done
    relay_settle
}

# rename FROM TO: an interface of the relay's, which must be down for that on older kernels.
rename() {
    in_ns mid ip link set "$1" down
    in_ns mid ip link set "$1" name "$2"
    in_ns mid ip link set "$2" up
    wait_for carrier src s1 || fail_now "s1 does not come up"
}

# ---- an interface that is not there yet ----
configure "$half"
relay_start --shards 4 --oversubscribe --rcvbuf 32M --config "$conf"
wait_for pending_count 239.1.1.3%in1:5000 2 || fail "both shares of the late flow are not pending"
wire 3 src s1 mid in1
for i in "${spread_sources[@]}"; do
    in_ns src ip addr add "10.77.3.1$i/24" dev s1
done
wait_for live_count 239.1.1.3%in1:5000 2 || fail "the late flow does not become live"
recv_start late dst 239.2.2.3%d0:6000
from=10.77.3.1
all_send 16 239.1.1.3%s1:5000

# ---- others come, go and change beside flows that stay, under traffic ----
recv_start stays dst 239.2.2.1%d0:6000 239.2.2.2%d0:6000
start_in src "$probe" send --quiet --rate "$(rate_of 8000)" --duration 600 "${send_extra[@]}" \
    239.1.1.1%s0:5000 239.1.1.2%s0:5000 239.1.1.4%s0:5000 10.77.1.2%s0:5104 2>"$work/all.log"
sender=$started
four="rule 239.1.1.4%in0:5000 spread=4 by=source -> 239.2.2.4%out0:6000"
cpus="rule 239.1.1.5%in0:5000 spread=2 by=cpu -> 239.2.2.5%out0:6000"
six="rule [ff3e::1:4%in0]:5000 spread=2 by=source -> [ff3e::2:4%out0]:6000"
port="rule 10.77.1.2%in0:5104 spread=2 by=source -> 239.2.2.6%out0:6000"
for _ in 1 2 3; do
    configure "$half, 239.2.2.20%out0:6000" "$four" "$port"
    reload
    configure "$half" "$cpus" "$six, [ff3e::2:5%out0]:6000" "$port, 239.2.2.21%out0:6000"
    reload
    configure "$half ttl=9" "$six" "${four/spread=4/spread=2}" "${port/spread=2/spread=4}"
    reload
    configure "$half" "${four/spread=4 by=source/}" "${port/spread=2 by=source/}"
    reload
done
expect "reloads that were done" "$(grep -c 'reload: done' "$daemon_log")" 12
stop "$sender"
relay_settle # or what came last is taken for what comes next

# ---- what has come is relayed whole, each sender by the shard of its share ----
configure "$half" "$four" "$cpus" "$six" "$port"
reload
expect "a reload more" "$(grep -c 'reload: done' "$daemon_log")" 13
recv_start came dst 239.2.2.4%d0:6000 239.2.2.5%d0:6000 "[ff3e::2:4%d0]:6000" 239.2.2.6%d0:6000
from=10.77.1.1
all_send 24 239.1.1.4%s0:5000 239.1.1.5%s0:5000 10.77.1.2%s0:5104
from=fd77:1::1
all_send 24 "[ff3e::1:4%s0]:5000"

# ---- an interface that is deleted and comes back with another index ----
in_ns mid ip link del in1
wait_for pending_count 239.1.1.3%in1:5000 4 || fail "the flow whose interface went is not pending"
wire 3 src s1 mid in1
for i in "${spread_sources[@]}"; do
    in_ns src ip addr add "10.77.3.1$i/24" dev s1
done
wait_for live_count 239.1.1.3%in1:5000 4 || fail "the flow does not become live again"
from=10.77.3.1
all_send 32 239.1.1.3%s1:5000

# ---- it is called otherwise for a while, loses its carrier, and has another address ----
rename in1 x1
wait_for pending_count 239.1.1.3%in1:5000 6 || fail "the flow whose interface is renamed goes on"
rename x1 in1
wait_for live_count 239.1.1.3%in1:5000 6 || fail "the flow is not live under the name it had"
all_send 8 239.1.1.3%s1:5000
ups_before=$(grep -c "in1: the link is up again" "$daemon_log")
is_up_again() {
    [ "$(grep -c "in1: the link is up again" "$daemon_log")" -gt "$ups_before" ]
}
in_ns src ip link set s1 down
in_ns src ip link set s1 up
wait_for is_up_again || fail "the carrier is not seen"
wait_for carrier src s1 || fail_now "s1 does not come up"
all_send 8 239.1.1.3%s1:5000
in_ns mid ip addr add 10.77.3.99/24 dev in1
in_ns mid ip addr del 10.77.3.2/24 dev in1
all_send 8 239.1.1.3%s1:5000

relay_stop
recv_clean late $((8 * (16 + 32 + 3 * 8)))
recv_clean came $((8 * 4 * 24))
recv_stop stays
fields='[.lost, .duplicated, .reordered, .corrupt, .cut]'
expect "what stays: lost, duplicated, reordered, corrupt, cut" \
    "$(got stays ".total | $fields | join(\" \")")" "0 0 0 0 0"
expect_cmp "what stays: received" "$(got stays .total.received)" -gt 0
for ((i = 0; i < 2; i++)); do
    counts=(0 0)
    for n in "${spread_sources[@]}"; do
        x=$((10 << 24 | 77 << 16 | 3 << 8 | (10 + n)))
        ((counts[((x * 2654435761 & 0xffffffff) >> 16) % 2] += 72))
    done
done
expect "late: received by each share" "$(spread_of late received)" "${counts[*]}"
expect "late: lost by the kernel" "$(reported '.rules[] | select(.rule == "late")
    | .kernel_drops')" 0
expect "late: pieces that each share's sockets have seen" \
    "$(spread_of late spread.pieces | tr ' ' '\n' | sort -u | wc -l)" 1
expect_cmp "what went was counted" "$(reported .gone.flows.received)" -gt 0
