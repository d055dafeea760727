#!/bin/bash
# Zero copy: a veth ends at a receiver on this host, for whom the kernel copies, so that output goes
# back to copying by itself; a device that takes memory as it is keeps it. Everything arrives once
# either way. Registered buffers are a share of what may be locked, and refusals are survived.
. "$(dirname "$0")/lib/story.sh"
story "long trains leave without being copied, where that is possible"
topo_line
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
device="239.2.2.3%ifb0:6000"

# An ifb without a traffic filter drops what it is given: nobody on this host receives it.
if ! in_ns mid ip link add ifb0 type ifb 2>"$work/ifb.log"; then
    device=
else
    address mid ifb0 10.77.9.1/24 fd77:9::1/64
    in_ns mid ethtool -K ifb0 tx-udp-segmentation on >"$work/ethtool.log"
fi

output='.rules[0].flows[0].outputs'
zerocopy="${output}[%d].zerocopy | [.sent, .copied, .refused, .off] | join(\" \")"

# trains COUNT: of 40 x 1200 bytes, from src to dst through the relay; all arrive.
trains() {
    recv_start sink dst 239.2.2.2%d0:6000 --gro
    send src 239.1.1.1%s0:5000 --count "$1" --rate 8000 --gso 40 --size 1200
    relay_stop
    recv_clean sink "$1"
}

# uncopied INDEX: what became of an output's zero-copy sends.
uncopied() {
    # shellcheck disable=SC2059
    reported "$(printf "$zerocopy" "$1")"
}

if [ "$ENGINE" = mmsg ]; then
    relay_refuses 2 "--zerocopy: comes with --engine mmsg" --zerocopy 32K --rule "$rule"
    relay_refuses 2 "--register-buffers: comes with --engine mmsg" --register-buffers on \
        --rule "$rule"
    relay_start --zerocopy auto --register-buffers auto --rule "$rule"
    trains 8000
    expect "zero-copy sends" "$(uncopied 0)" "0 0 0 no"
    exit
fi

# By default only devices are sent to without copying, and veth is none.
relay_start --shards 1 --rule "$rule"
trains 4000
expect "zero-copy sends by default" "$(uncopied 0)" "0 0 0 no"
expect "bytes registered by default" "$(reported '.shards[0].ring.registered_bytes')" 0

# A kernel that can: veth is given up, with one line, after as many copies as it takes.
relay_start --shards 1 --zerocopy 32K --rule "$rule${device:+, $device}"
if grep -q 'no_zerocopy' "$daemon_log"; then
    expect_words "the kernel's lack is named" "$daemon_log" "--zerocopy: this kernel cannot"
    trains 4000
    skip "this kernel reports no zero copy; the rest needs Linux 6.2"
fi
trains 20000
read -r sent copied refused off < <(uncopied 0)
expect "veth: sent without copying, refused, given up" "$sent $refused $off" "0 0 copied"
expect_cmp "veth: zero-copy sends that were copied" "$copied" -ge 8
expect_cmp "veth: and no more once it was given up" "$copied" -lt 20
expect "veth: lines about it" "$(grep -c '239.2.2.2%out0:6000: the kernel copied' "$daemon_log")" 1
if [ -n "$device" ]; then
    read -r sent copied refused off < <(uncopied 1)
    expect "ifb: copied, refused, given up" "$copied $refused $off" "0 0 no"
    expect "ifb: datagrams sent" "$(reported "${output}[1].sent")" 20000
    # All but those of the first train of all, which shows that the path takes trains.
    expect "ifb: sent without copying, and one" "$((sent + 1))" "$(reported "${output}[1].sends")"
    expect "ifb: trains that the device was given" \
        "$(in_ns mid cat /sys/class/net/ifb0/statistics/rx_dropped)" \
        "$(reported "${output}[1].sends")"
fi

# On huge pages registered buffers would do harm, so that by default there are none.
expect "bytes registered by default, with zero copy" \
    "$(reported '.shards[0].ring.registered_bytes')" 0

# On ordinary pages the whole pool is registered, and every zero-copy send is from there.
relay_start --shards 1 --huge off --zerocopy 32K --rule "$rule${device:+, $device}"
registering=true
! grep -q 'no_registered_buffers' "$daemon_log" || registering=false
trains 4000
if $registering; then
    expect "sends that missed the registered buffers, areas refused" \
        "$(reported '.shards[0].ring | [.registered_misses, .registered_refused] | join(" ")')" \
        "0 0"
    expect_cmp "sends from registered buffers" \
        "$(reported '.shards[0].ring.registered_hits')" -ge 8
fi

# A device that is slow to take what it is given: its sends fit the send buffer.
if [ -n "$device" ]; then
    in_ns mid tc qdisc add dev ifb0 root tbf rate 60mbit burst 128k limit 8m
    relay_start --shards 1 --zerocopy 32K --rule "239.1.1.1%in0:5000 -> $device"
    send src 239.1.1.1%s0:5000 --count 4000 --rate 8000 --gso 40 --size 1200
    relay_stop
    expect "slow ifb: sent, and dropped for want of room" \
        "$(reported "${output}[0] | [.sent, .drops.egress_full] | join(\" \")")" "4000 0"
    expect_cmp "slow ifb: sent without copying" "$(reported "${output}[0].zerocopy.sent")" -gt 0
    in_ns mid tc qdisc del dev ifb0 root
fi

# Of the buffers asked for each shard has its share.
if $registering; then
    relay_start --shards 2 --oversubscribe --huge off --zerocopy 32K --register-buffers 30 \
        --rule "$rule"
    trains 4000
    expect "registered by each of two shards: 15 trains' buffers" \
        "$(reported '[.shards[].ring.registered_bytes / 15 | floor] | unique | length')" 1
    expect_cmp "of the largest class" "$(reported '.shards[0].ring.registered_bytes')" \
        -gt $((15 * 65535))
    expect_cmp "and no more" "$(reported '.shards[1].ring.registered_bytes')" -lt $((16 * 65535))
fi

# An ordinary user with little memory to lock: fewer buffers are registered, and the rest is sent
# from all the same. A second relay of the same user finds less left than its share, and is refused.
$registering || exit
chmod 755 "$work"
install -m 755 "$daemon" "$work/numacastd"
daemon=$work/numacastd
report=$work/report/report.json
install -d -m 777 "$work/report"
relay_wrapper=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all
    prlimit --memlock=4194304)
options=(--shards 1 --huge off --zerocopy 32K --register-buffers on)
relay_start "${options[@]}" --rule "239.1.1.9%in0:5000 -> 239.2.2.9%out0:6000"
expect_words "the limit is named" "$daemon_log" "--register-buffers: RLIMIT_MEMLOCK has room"
first_pid=$daemon_pid first_report=$report first_log=$daemon_log

report=$work/report/second.json
daemon_log=$work/second.log
relay_start "${options[@]}" --rule "$rule${device:+, $device}"
expect_words "the refusal is named" "$daemon_log" "--register-buffers: the kernel refused"
trains 8000
expect_cmp "areas that were refused" "$(reported '.shards[0].ring.registered_refused')" -ge 1
expect_cmp "sends without them" "$(reported '.shards[0].ring.registered_misses')" -ge 8

daemon_pid=$first_pid report=$first_report daemon_log=$first_log
relay_stop
expect "refused to the first" "$(reported '.shards[0].ring.registered_refused')" 0
expect_cmp "registered, at most half of the limit" \
    "$(reported '.shards[0].ring.registered_bytes')" -le 2097152
expect_cmp "and of that the most part" \
    "$(reported '.shards[0].ring.registered_bytes')" -gt 1900000
