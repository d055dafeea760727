#!/bin/bash
# builds: plain
# engines: uring
# shellcheck disable=SC2034,SC2154
# Single datagrams of mixed sizes that wait for a shard find more slots lent than trains do; once
# trains come after them, these are seen as trains and fewer are lent; and the other way round.
. "$(dirname "$0")/lib/story.sh"
story "mixed sizes find more slots, trains after them fewer"
topo_line
relay_control=$work/control
relay_start --rcvbuf 64M --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
recv_start sink dst 239.2.2.2%d0:6000 --rcvbuf 64M

# lent COMPARISON NUMBER: how many slots for trains are lent now, compared with that.
lent() {
    local now
    now=$(bounded "$ctl" --control "$relay_control" show pools --json |
        jq '.pools[] | select(.class == "train") | .in_ring')
    test "${now:-none}" "$1" "$2"
}

# backlog COUNT: so many wait for a relay that stands still, and then goes on.
backlog() {
    kill -STOP "$daemon_pid"
    send src 239.1.1.1%s0:5000 --count "$1" --rate unlimited --size 64-1400
    kill -CONT "$daemon_pid"
}

wait_for lent -le 32 || fail "more than 32 slots are lent to begin with"
backlog 3000
wait_for lent -gt 32 || fail "no more slots are lent, though singles find none"
send src 239.1.1.1%s0:5000 --count 16000 --rate 16000 --gso 16
wait_for lent -le 32 || fail "as many slots are lent for trains"
backlog 2000
wait_for lent -gt 32 || fail "no more slots are lent, the second time"
relay_stop
recv_clean sink 21000
relay_accounts 21000
expect_cmp "starved" "$(reported '.rules[0].flows[0].starved')" -gt 0
expect "pieces: each train is one" "$(reported '.rules[0].flows[0].pieces')" 6000
expect "trains received" "$(reported '.rules[0].flows[0].trains')" 1000
