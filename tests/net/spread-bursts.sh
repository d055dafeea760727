#!/bin/bash
# also: trains
# What early demultiplexing would split: frames that arrive several at a time, and datagrams that
# come in fragments beside some that do not. Every one arrives once, in order, by the share of its
# sender.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/spread.sh"
story "bursts of frames, and fragments, to divided flows"
spread_topo
send_extra=() # here each telling sends as it says
in_ns src ethtool -K s0 tso off tx-udp-segmentation off >/dev/null 2>&1
in_ns mid ethtool -K in0 gro on >/dev/null 2>&1 || skip "no ethtool, or a veth without NAPI"

# tell COUNT SEND... -- OPTION...: the flows with these options, senders with those.
tell() {
    local count=$1 args=()
    shift
    while [ "$1" != -- ]; do
        args+=("$1")
        shift
    done
    shift
    spread_rules "$*"
    relay_start --shards 8 --oversubscribe --rcvbuf 4M "${rules[@]}"
    recv_start sink dst "${sinks[@]}"
    spread_send --count-per-flow "$count" "${args[@]}"
    relay_stop
    recv_clean sink "$(spread_all "$count")"
    spread_expect "$count"
}

# The sender's device cannot segment, so each train becomes a list of frames in one poll.
tell 64 --rate 4000 --gso 32 --size 200 -- gro=off
tell 64 --rate 4000 --gso 32 --size 200 -- gro=on
tell 12 --rate 1000 --size 200-3000 -- gro=on
