#!/bin/bash
# engines: uring
# builds: plain
# Two sites, by the lines of doc/SITES.md: 256 groups over ports of one host, VXLAN, WireGuard, and
# two ways that are merged, of which one is cut and the other loses.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/sites.sh"
story "groups pass from one site to another"
have wireguard-go || skip "no wireguard-go (apt-get install wireguard-go)"
have wg || skip "no wg (apt-get install wireguard-tools)"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"

# heard WAY: datagrams that it has brought.
heard() {
    in_ns b cat "/sys/class/net/$1/statistics/rx_packets"
}

# grown WAY SINCE: whether it has brought some more.
grown() {
    [ "$(heard "$1")" -gt $(($2 + 50)) ]
}

# brings WAY: waits until it does.
brings() {
    local before
    before=$(heard "$1")
    wait_for grown "$1" "$before" || fail "$1 brings nothing"
}

# device SITE: a WireGuard interface, by a program where the document has the kernel's. It listens
# at a path that is the same for all, so it has a file system of its own.
device() {
    start_in "$1" unshare -m sh -c 'mkdir -p /run/wireguard &&
        mount -t tmpfs none /run/wireguard && exec wireguard-go -f wg0' >"$work/wg-$1.log" 2>&1
    site_wg[$1]=$started
    wait_up "$started" there "$1" || fail_now "wireguard-go does not start at $1"
}

# there SITE: whether the device is.
there() {
    nsenter -t "${site_wg[$1]}" -m -n wg show wg0 >/dev/null 2>&1
}

site_topo
site_without="ip link add wg0 type wireguard"
for at in a b; do
    (umask 077 && wg genkey >"$work/$at.key" && wg pubkey <"$work/$at.key" >"$work/$at.pub")
    device "$at"
done
for at in a b; do
    site "$at" unicast
    site "$at" "two ways"
    site "$at" vxlan
    site "$at" wireguard
done
site_start b
site_start a
recv_start unicast dst 239.1.1.0/24%d0:5000
recv_start ways dst 239.1.2.1%d0:5000
recv_start vxlan dst 239.1.3.0/28%d0:5000
recv_start sealed dst 239.1.4.0/28%d0:5000
start_in src "$probe" send --quiet --json --no-loop 239.1.2.1%s0:5000 --duration 600 --rate 1500 \
    >"$work/ways.json"
sender=$started
brings wan1
in_ns b ip link set wan1 down
brings wan0
in_ns b ip link set wan1 up
brings wan1
site_lose b wan0 50
has_lost() {
    [ "$(site_lost b wan0)" -gt 10 ]
}
wait_for has_lost || fail "one way does not lose"
stop "$sender"
count=$(jq .sent "$work/ways.json")
relay_settle
lost=$(site_lost b wan0)
site_lose b wan0 0
send src 239.1.1.0/24%s0:5000 --count-per-flow 10 --rate 4000
send src 239.1.3.0/28%s0:5000 --count-per-flow 50 --rate 4000 --gso 5
send src 239.1.4.0/28%s0:5000 --count-per-flow 10 --rate 200
# wireguard-go has some of them in its hands, which nobody can see.
wait_for arrived dst $((2560 + 800 + 160 + count)) || fail "not everything arrives"
site_stop
recv_clean unicast 2560
recv_clean vxlan 800
recv_clean sealed 160
# What one way has lost comes by the other, and behind what followed it when the relay was held up.
recv_stop ways
expect "ways: received, lost, duplicated, corrupt, cut" \
    "$(got ways '.total | [.received, .lost, .duplicated, .corrupt, .cut] | join(" ")')" \
    "$count 0 0 0 0"
expect_cmp "one way has lost" "$lost" -gt 0
expect "two ways: lost by both, relayed" "$(jq -r '[.rules[].merge // empty |
    .lost_all, .relayed] | join(" ")' "$work/b.json")" "0 $count"
expect_cmp "and the other was cut" "$(jq '[.rules[].merge // empty | .legs[1].lost] | add' \
    "$work/b.json")" -gt 0
