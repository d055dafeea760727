#!/bin/bash
# The instrument itself, before anything is measured with it: what is sent clean is found clean, by
# every kind of target, and each fault is counted exactly, with nobody in between but a wire or a
# relay that makes known mistakes.
# engines: none
# shellcheck disable=SC2154
. "$(dirname "$0")/lib/story.sh"
story "numacast-probe counts what there is to count"
ns_add src dst
wire 1 src s0 dst d0

faults='[.received, .lost, .duplicated, .reordered, .corrupt, .cut, .surplus] | join(" ")'

echo "-- clean, by every kind of target"
recv_start group dst 239.1.1.1%d0:5000 --expect 1000
recv_start source dst 10.77.1.1@232.1.1.1%d0:5000 --expect 1000
recv_start six dst "[ff15::1%d0]:5000" --expect 1000
recv_start source6 dst "[fd77:1::1]@[ff3e::1%d0]:5000" --expect 1000
recv_start unicast dst 10.77.1.2:5001 --expect 1000
recv_start unicast6 dst "[fd77:1::2]:5001" --expect 1000
for target in 239.1.1.1%s0:5000 232.1.1.1%s0:5000 "[ff15::1%s0]:5000" "[ff3e::1%s0]:5000" \
    10.77.1.2:5001 "[fd77:1::2]:5001"; do
    send src "$target" --count 1000 --rate 10k
done
for name in group source six source6 unicast unicast6; do
    recv_clean $name 1000
    expect "$name: samples of latency" "$(got $name .total.latency_ns.samples)" 1000
done

echo "-- another source is not received"
recv_start other dst 10.77.1.9@232.1.1.1%d0:5000 --expect 0
send src 232.1.1.1%s0:5000 --count 100
recv_clean other 0

echo "-- many groups, in trains, taken whole or one by one"
recv_start many dst --groups 1024 239.1.0.0%d0:5000 --until-end --expect-flows 1024
recv_start trains dst --groups 1024 239.1.0.0%d0:5000 --until-end --expect-flows 1024 --gro
send src --groups 1024 239.1.0.0%s0:5000 --count-per-flow 40 --gso 10 --rate 40k --end-marker
recv_end many
recv_end trains
expect "many: trains" "$(got many .total.trains)" 0
expect "trains: trains" "$(got trains .total.trains)" 4096
for name in many trains; do
    expect "$name: faults" "$(got $name ".total | $faults")" "40960 0 0 0 0 0 0"
    expect "$name: flows in order" \
        "$(got $name '[.flows | to_entries[] | select(.key != .value.flow)] | length')" 0
done

echo "-- whole frames: numbered, with right headers, and an end"
recv_start frames dst 239.1.0.0/30%d0:5000 --until-end --expect-flows 8
send src 239.1.0.0/30%s0:5000 --frames --flows 2 --count-per-flow 1000 --size 44-1472 --end-marker \
    --rate 40k --dscp EF --ttl 7
recv_end frames
expect "faults" "$(got frames ".total | $faults")" "8000 0 0 0 0 0 0"
expect "bytes" "$(got frames .total.bytes)" "$(sent .bytes)"
in_ns src "$probe" send --frames --size 1473 239.1.1.1%s0:5000 >"$work/refused" 2>&1
expect "too large for a frame: exit status" $? 1
expect_words "and why" "$work/refused" "a frame of s0 holds 1472 bytes of payload"

echo "-- sizes from nothing to the most there is, short ones counted by the end marker"
recv_start sizes dst 239.1.1.1%d0:5000 --until-end --rcvbuf 64M
send src 239.1.1.1%s0:5000 --count 2000 --rate 2k --size 0-65507 --end-marker
recv_end sizes
expect "faults" "$(got sizes ".total | $faults")" "2000 0 0 0 0 0 0"
expect "bytes" "$(got sizes .total.bytes)" "$(sent .bytes)"
recv_start short dst 239.1.1.1%d0:5000 --until-end
send src 239.1.1.1%s0:5000 --count 2000 --rate 10k --size 0-60 --end-marker
recv_end short
expect "faults" "$(got short ".total | $faults")" "2000 0 0 0 0 0 0"
expect "short ones" "$(got short .total.short)" "$(sent .short)"
expect_cmp "of them there are" "$(sent .short)" -gt 1000

echo "-- a receiver that sleeps: all that is lost was dropped at its own socket"
recv_start sleeper dst 239.1.1.1%d0:5000 --until-end --rcvbuf 100k
kill -STOP "${recv_pid[sleeper]}"
send src 239.1.1.1%s0:5000 --count 2000 --rate 20k
kill -CONT "${recv_pid[sleeper]}"
send src 239.1.1.1%s0:5000 --count 10 --rate 100
recv_stop sleeper
expect "received and dropped" \
    "$(got sleeper '.total | .received + .socket_drops')" 2010
expect_cmp "dropped" "$(got sleeper .total.socket_drops)" -gt 0

echo "-- a relay that makes mistakes: each is counted"
: >"$work/faulty.ready"
start_in dst python3 "$src_top/tests/net/lib/faulty.py" 10.77.1.2 5002 127.0.0.1 5003 6000 \
    >"$work/faulty.ready" 2>"$work/faulty.log"
faulty_pid=$started
wait_for test -s "$work/faulty.ready" || fail_now "the faulty relay does not start"
recv_start judge dst 127.0.0.1:5003 --expect 6000 --missing 2
send src 10.77.1.2:5002 --count 6000 --rate 3k --size 600
wait_for dead "$faulty_pid" || fail "the faulty relay does not end"
recv_stop judge
# Lost: 120 that were dropped and 20 whose header is spoiled. Corrupt: 30 bodies and those 20.
expect "dropped, twice, late, changed, cut" \
    "$(got judge '.total | [.lost, .duplicated, .reordered, .corrupt, .cut] | join(" ")')" \
    "140 300 60 50 24"
expect "the first missing numbers" "$(got judge '.flows[0].missing | tostring')" "[[28,28],[49,49]]"
expect "judged" "$(got judge .ok)" false

echo "-- verdicts"
in_ns dst "$probe" recv --quiet --duration 0.1 239.1.1.1%d0:5000 >"$work/verdict.log" 2>&1
expect "nothing received" $? 1
in_ns dst "$probe" recv --quiet --duration 0.1 --expect 0 239.1.1.1%d0:5000 \
    >"$work/verdict.log" 2>&1
expect "nothing received, as expected" $? 0
in_ns dst "$probe" recv 239.1.1.1%nowhere:5000 >"$work/verdict.log" 2>&1
expect "no such interface" $? 1
expect_words "which one" "$work/verdict.log" "nowhere: no such interface"
in_ns dst "$probe" recv 239.1.1.1:5000 >"$work/verdict.log" 2>&1
expect "a wrong command line" $? 2

echo "-- a line of progress on a terminal, none elsewhere"
in_ns dst script -qec "$probe recv --duration 1.2 --expect 0 239.1.1.1%d0:5000" /dev/null \
    </dev/null >"$work/progress.log"
expect_words "on a terminal" "$work/progress.log" "0 received"
