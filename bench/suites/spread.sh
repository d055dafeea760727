# spread.sh - what it costs to divide one flow over shards: the kernel's work for each further
# share, in the way that by= divides it.
#
# The kernel's way into the relay's sockets is done in the sender's time (lib/net.sh), so the figure
# is the sender's CPU for each datagram that it sent: what is above that of one shard is the price
# of dividing, paid by whoever receives from the network. The relay's shards share processor 0, so
# their own gain does not show. `outputs' has as many outputs as shards and hands each shard all.
#
#     singles   one frame after the other
#     bursts    32 frames at a time in one poll of the device (NAPI), not coalesced
#     trains    40 datagrams as one piece
# shellcheck shell=bash disable=SC2034,SC2154

spread_kinds=(group4 group6 unicast4 unicast6 outputs)

spread_suite() {
    local run count kind shape counts=(1 2 4 8) usual_attempts=$attempts
    raw=$out/spread-raw.csv
    echo "$raw_columns" >"$raw"
    ! $quick || counts=(1 4)
    attempts=1 # what disturbs hits all cases of a run alike, and these are many
    spread_network
    for ((run = 1; run <= runs; run++)); do
        for shape in singles bursts trains; do
            for count in "${counts[@]}"; do
                for kind in "${spread_kinds[@]}"; do
                    spread_load "$kind" "$shape" "$count"
                    measure "$shape" "$kind" "$count" "$run" "uring:--rcvbuf 16M $spread_flags"
                done
            done
        done
        in_ns relay ethtool -K in0 gro off >/dev/null
    done
    attempts=$usual_attempts
    summarise "$raw" >"$out/spread.csv"
    for shape in singles bursts trains; do
        show "$out/spread.csv" $shape in_ns "$shape, by shards: ns of the sender's CPU per datagram"
        show "$out/spread.csv" $shape loss_pct "... and % that the relay did not send"
    done
}

spread_network() {
    local name
    for name in "sender s0 1" "relay in0 2"; do
        read -r where if host <<<"$name"
        ip -n "$(ns "$where")" -6 addr add "fd88:1::$host/64" dev "$if" nodad
    done
}

# spread_load KIND SHAPE COUNT: fills `load' and spread_flags.
spread_load() {
    local by=source to=239.2.0.0%out0:6000 rate=60000 gso=1 cut=off i
    spread_flags="--shards $3 --oversubscribe"
    case $2 in
    bursts) gso=32 cut=on rate=60000 ;;
    trains) gso=40 rate=400000 ;;
    esac
    [ "$2" = trains ] || spread_flags+=" --gro off"
    in_ns relay ethtool -K in0 gro "$([ "$2" = bursts ] && echo on || echo off)" >/dev/null
    if [ "$1" = outputs ]; then
        by=outputs
        for ((i = 1; i < $3; i++)); do
            to+=", 239.2.0.$i%out0:6000"
        done
    fi
    load_set "gso=$gso" "cut=$cut" "rate=$rate" receiver=none
    case $1 in
    group4 | outputs) load[at]=239.1.0.0%in0:5000 load[to]=239.1.0.0%s0:5000 ;;
    group6) load[at]='[ff3e::1%in0]:5000' load[to]='[ff3e::1%s0]:5000' ;;
    unicast4) load[at]=10.88.1.2%in0:5000 load[to]=10.88.1.2%s0:5000 ;;
    unicast6) load[at]='[fd88:1::2%in0]:5000' load[to]='[fd88:1::2%s0]:5000' ;;
    esac
    load[rule]="${load[at]} spread=$3 by=$by -> $to"
    [ "$1" != outputs ] || load[outputs]=$3
}
