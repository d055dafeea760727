#!/bin/bash
# day.sh - a day of an operator, in network namespaces: what doc/OPERATIONS.md shows is its output.
#
# Runs the commands of that day against a relay under traffic, and prints each as it would be typed,
# behind a `$', with what it says. Needs root, a built tree (NC_BUILDDIR) and python3, which plays
# the part of systemd's descriptor store (tests/net/lib/store.py). At the end it fails unless the
# receiver has everything, once and in order, that was sent while the cables were whole.
#
#   sudo NC_BUILDDIR=build etc/demo/day.sh
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${NC_BUILDDIR:?names the top of a built tree}" && pwd) || exit 1
src=numacast-day-$$-src
mid=numacast-day-$$-mid
dst=numacast-day-$$-dst
work=$(mktemp -d "${TMPDIR:-/tmp}/numacast-day.XXXXXX") || exit 1
manager=
sender=
receivers=()

give_up() {
    echo "NOT OK: $1"
    tail -n 15 "$work"/*.log 2>/dev/null
    exit 1
}

# clean_up: whatever was started or made here goes away, however this ends.
clean_up() {
    for pid in $sender "${receivers[@]}" $manager; do
        kill "$pid" 2>/dev/null
    done
    wait
    for name in "$src" "$mid" "$dst"; do
        ip netns del "$name" 2>/dev/null
    done
    rm -rf "$work"
}

# until_so COMMAND...: waits until COMMAND succeeds; a minute is more than any of this takes.
until_so() {
    local turns=0
    until "$@"; do
        turns=$((turns + 1))
        [ $turns -lt 1200 ] || give_up "nothing happened for a minute: $*"
        sleep 0.05
    done
}

# tidied: without where this runs and what its files are called here, which is nobody's business.
tidied() {
    sed -e 's/^<[0-7]>//' -e "s|$work/||g"
}

# shown COMMAND...: as typed, and what it says.
shown() {
    local status
    echo "$ $*"
    (cd "$work" && ip netns exec "$mid" env PATH="$build/src:$PATH" \
        NUMACAST_CONTROL="$work/control" bash -c "$*" 2>&1) | tidied
    status=${PIPESTATUS[0]}
    [ "$status" -eq 0 ] || echo "(exit status $status)"
}

# log_lines: how many the relay has written so far. logged FROM: those after that many.
log_lines() {
    wc -l <"$work/relay.log"
}
logged() {
    tail -n "+$(($1 + 1))" "$work/relay.log" | tidied | sed 's/^/relay: /'
}

says() {
    grep -q -e "$1" "$work/relay.log"
}

chapter() {
    printf '\n## %s\n\n' "$1"
}

# receive NAME GROUP...: starts a receiver.
receive() {
    local name=$1
    shift
    ip netns exec "$dst" "$build/src/numacast-probe" recv --quiet --json --late-start \
        --rcvbuf 64M --ready-fd 3 "$@" 3>"$work/ready-$name" >"$work/$name.json" \
        2>"$work/$name-receiver.log" &
    receivers+=($!)
    until_so test -s "$work/ready-$name"
}

network() {
    for name in "$src" "$mid" "$dst"; do
        ip netns add "$name" || give_up "cannot make a network namespace"
        ip -n "$name" link set lo up
    done
    ip link add s0 netns "$src" type veth peer name feed netns "$mid"
    ip link add lan netns "$mid" type veth peer name d0 netns "$dst"
    ip -n "$src" addr add 10.77.1.1/24 dev s0
    ip -n "$mid" addr add 10.77.1.2/24 dev feed
    ip -n "$mid" addr add 10.77.2.1/24 dev lan
    ip -n "$dst" addr add 10.77.2.2/24 dev d0
    ip netns exec "$mid" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.feed.rp_filter=0
    ip -n "$src" link set s0 up
    ip -n "$mid" link set feed up
    ip -n "$mid" link set lan up
    ip -n "$dst" link set d0 up
    ip -n "$src" route add 224.0.0.0/4 dev s0
}

plan() {
    chapter "Plan"
    cat >"$work/numacastd.conf" <<END
shards 2
oversubscribe on
rcvbuf 16M
rule 239.1.1.1%feed:5000 name=prices -> 239.2.2.1%lan:6000
rule 239.1.1.2%feed:5000 name=trades -> 239.2.2.2%lan:6000, 239.2.2.3%lan:6000
END
    shown cat numacastd.conf
    shown numacastd --check --config numacastd.conf
    shown "numacastd --plan --config numacastd.conf | tail -n 7"
}

start() {
    chapter "Start"
    mkdir "$work/store"
    ip netns exec "$mid" python3 "$here/tests/net/lib/store.py" "$work/store" \
        "$build/src/numacastd" --control "$work/control" --metrics 127.0.0.1:9469 \
        --config "$work/numacastd.conf" 2>"$work/relay.log" &
    manager=$!
    until_so says 'ready$'
    receive kept 239.2.2.1%d0:6000 239.2.2.2%d0:6000
    ip netns exec "$src" "$build/src/numacast-probe" send --quiet --json --no-loop --rate 20000 \
        --duration 600 239.1.1.1%s0:5000 239.1.1.2%s0:5000 >"$work/sent.json" &
    sender=$!
    logged 0
    shown numacastctl health
}

watch() {
    chapter "Watch"
    sleep 2
    shown numacastctl stats
    shown numacastctl show rules
    shown "curl -s http://127.0.0.1:9469/healthz"
}

change() {
    chapter "Change"
    shown "numacastctl add '239.1.1.9%feed:5000 name=quotes -> 239.2.2.9%lan:6000'"
    shown numacastctl disable quotes
    shown numacastctl enable quotes
    shown numacastctl remove quotes
    shown numacastctl show changes
    chapter "A wrong reload"
    echo "rule 239.1.1.9%feed:5000 -> 239.2.2.9%lan" >>"$work/numacastd.conf"
    shown numacastctl reload
    sed -i '$d' "$work/numacastd.conf"
    echo "huge off" >>"$work/numacastd.conf"
    shown numacastctl reload
    sed -i '$d' "$work/numacastd.conf"
    shown numacastctl reload
}

is_healthy() {
    ip netns exec "$mid" "$build/src/numacastctl" --control "$work/control" health >/dev/null 2>&1
}
is_ill() {
    ! is_healthy
}

# A receiver of its own, since here datagrams are lost: the cable is that of the output.
cable() {
    local line
    chapter "A broken cable"
    line=$(log_lines)
    echo "(the cable of \`lan' is pulled)"
    ip -n "$dst" link set d0 down
    until_so is_ill
    sleep 2
    shown numacastctl health
    shown "numacastctl show outputs"
    echo "(and plugged in)"
    ip -n "$dst" link set d0 up
    until_so is_healthy
    sleep 1
    shown numacastctl health
    logged "$line"
}

balance() {
    chapter "Balance"
    shown numacastctl rebalance --dry-run --window 2
}

is_second() {
    [ "$(grep -c 'ready$' "$work/relay.log")" = 2 ]
}

upgrade() {
    local line
    chapter "Upgrade under traffic"
    line=$(log_lines)
    echo "(systemctl restart numacastd)"
    kill -TERM "$(cat "$work/store/pid")"
    until_so is_second
    logged "$line"
    shown numacastctl health
}

# judge NAME: what a receiver says.
judge() {
    local fields='"\(.received) received, \(.lost) lost, \(.duplicated) doubled, "'
    fields+=' + "\(.reordered) out of order"'
    echo "$1: $(jq -r ".total | $fields" "$work/$1.json")"
    [ "$(jq '.total.lost + .total.duplicated + .total.reordered' "$work/$1.json")" = 0 ] ||
        give_up "$1: not everything arrived, once and in order"
}

# receivers_end: once what waits in their sockets is read.
receivers_end() {
    sleep 1
    for pid in "${receivers[@]}"; do
        kill -TERM "$pid"
        wait "$pid"
    done
    receivers=()
}

trap clean_up EXIT
trap 'exit 1' INT TERM
network
plan
start
watch
change
balance
receivers_end
judge kept
cable
receive upgrade 239.2.2.1%d0:6000 239.2.2.2%d0:6000
upgrade
receivers_end
judge upgrade
