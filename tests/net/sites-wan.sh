#!/bin/bash
# engines: mmsg
# builds: plain
# A way that loses 2 and then 5 % in both directions, and what RIST and SRT make of it, by the units
# in etc/systemd and the lines of doc/SITES.md.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/sites.sh"
story "RIST and SRT mend a way that loses"
have ristsender || skip "no ristsender (apt-get install rist-tools)"
have srt-live-transmit || skip "no srt-live-transmit (apt-get install srt-tools)"
each=1000
# They mend what is lost within 200 ms, also where others keep this machine busy.
soon=(chrt --fifo 10)
"${soon[@]}" true 2>/dev/null || soon=()

# unit SITE NAME: starts what the unit of that name starts, with the file that the document has.
unit() {
    local FROM TO command
    command=$(sed -n 's/^ExecStart=//p' "$src_top/etc/systemd/$2@.service.in")
    while IFS='=' read -r name value; do
        declare "$name=$value"
    done < <(site_example "/etc/numacast/sites/feed of $2@feed at ${1^}")
    [ -n "$FROM$TO$command" ] || fail_now "nothing is known of $2 at $1"
    command=${command//\$\{FROM\}/\"\$FROM\"}
    eval "start_in $1 ${soon[*]} ${command//\$\{TO\}/\"\$TO\"}" >"$work/$2-$1.out" 2>&1
}

# count_arrivals: begins to, by the kernel, so that receivers need not end.
count_arrivals() {
    in_ns dst nft -f - <<NFT || skip "nft cannot filter at an interface"
table netdev arrivals {
    counter came { }
    chain count {
        type filter hook ingress device d0 priority 0;
        udp dport 5000 counter name came
    }
}
NFT
}

# packets: how many have arrived.
packets() {
    in_ns dst nft -j list counter netdev arrivals came |
        jq '[.nftables[].counter.packets // empty] | add'
}

# still: whether for a while nothing has.
still() {
    local before
    before=$(packets)
    sleep 1
    [ "$(packets)" -eq "$before" ]
}

# heard COUNT: whether so many have.
heard() {
    [ "$(packets)" -ge "$1" ]
}

# of_all NAME FEED: received, lost and duplicated of what the rounds have sent.
of_all() {
    jq -r --slurpfile sent <(cat "$work"/sent-"$2"-*.json) '[$sent[].session] as $sessions |
        [.flows[] | select(.session | IN($sessions[]))] |
        [(map(.received) | add), (map(.lost) | add), (map(.duplicated) | add)] | join(" ")' \
        "$work/$1.json"
}

# round PERMILLE: the way loses so many while both feeds pass.
round() {
    local feed senders=()
    site_lose a wan0 "$1"
    site_lose b wan0 "$1"
    for feed in 239.1.5.1 239.1.6.1; do
        start_in src "$probe" send --quiet --json --no-loop "$feed%s0:5000" --count "$each" \
            --rate 500 --size 1316 >"$work/sent-$feed-$1.json"
        senders+=("$started")
    done
    for feed in "${senders[@]}"; do
        wait_for dead "$feed" || fail "a sender does not end"
        wait_end "$feed"
    done
    wait_for still || fail "the way does not become still"
    way_lost=$((way_lost + $(site_lost b wan0)))
    echo "dropped at $1 of 1000: $(site_lost a wan0) at A, $(site_lost b wan0) at B"
    expect_cmp "the way loses" "$(site_lost b wan0)" -gt $((each * $1 / 1000 / 2))
}

site_topo
count_arrivals
for at in a b; do
    site "$at" rist
    site "$at" srt
done
site_extra=(--gso off) # so that the kernel counts datagrams, and not trains
site_start b
site_start a
unit b numacast-rist-receive
unit b numacast-srt
unit a numacast-rist-send
unit a numacast-srt
# What comes first opens a way, and who opens it may miss that.
until heard 30; do
    for feed in 239.1.5.1 239.1.6.1; do
        send src "$feed%s0:5000" --count 20 --rate 500 --size 1316
    done
done
wait_for still || fail "the way does not become still"
recv_start rist dst 239.1.5.1%d0:5000
recv_start srt dst 239.1.6.1%d0:5000
begun=$(packets)
way_lost=0
round 20
round 50
site_stop
for name in rist srt; do
    recv_stop "$name"
done
# What the relays were given they have relayed, every datagram. That nothing is lost on the way is
# for RIST and SRT to see to, within 200 ms of a machine that others keep busy: nearly always.
came=0
for name in rist:239.1.5.1 srt:239.1.6.1; do
    read -r received _ duplicated < <(of_all "${name%:*}" "${name#*:}")
    came=$((came + received))
    expect "${name%:*}: duplicated" "$duplicated" 0
    expect_cmp "${name%:*}: of $way_lost lost on the way, not mended" $((2 * each - received)) \
        -le $((way_lost / 20))
done
expect "arrived, of what has come since the way was open" "$came" $(($(packets) - begun))
