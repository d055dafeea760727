#!/bin/bash
# relay.sh - relays five seconds of traffic between three network namespaces, shows what happened.
#
# quickstart runs it; it needs root, iproute2, jq and a built tree (NC_BUILDDIR). It stands alone:
# what a user runs first does not depend on the tests' library, and every command here is one that
# can be typed by hand.
set -u
build=${NC_BUILDDIR:?names the top of a built tree}
src=numacast-demo-$$-src
mid=numacast-demo-$$-mid
dst=numacast-demo-$$-dst
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
work=$(mktemp -d "${TMPDIR:-/tmp}/numacast-demo.XXXXXX") || exit 1
relay=
receiver=

# give_up WHY: shows what the programs had to say.
give_up() {
    echo "NOT OK: $1"
    tail -n 15 "$work"/*.log 2>/dev/null
    exit 1
}

# clean_up: whatever was started or made here goes away, however this ends.
clean_up() {
    [ -z "$receiver" ] || kill "$receiver" 2>/dev/null
    [ -z "$relay" ] || kill "$relay" 2>/dev/null
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
        [ $turns -lt 1200 ] || give_up "nothing happened for a minute"
        sleep 0.05
    done
}

# relay_is_ready: every rule is live.
relay_is_ready() {
    kill -0 "$relay" 2>/dev/null || give_up "numacastd ended before it was ready"
    grep -q 'ready$' "$work/relay.log"
}

# receiver_took_all: no datagram waits in a socket of the receiver's.
receiver_took_all() {
    [ -z "$(ip netns exec $dst ss -Huan | awk '$2 > 0')" ]
}

# sent, reported, got EXPRESSION: of the sender's, the relay's and the receiver's JSON.
sent() {
    jq -r "$1" "$work/sent.json"
}
reported() {
    jq -r "$1" "$work/report.json"
}
got() {
    jq -r "$1" "$work/got.json"
}

# micro PERCENTILE: of the latency, in microseconds.
micro() {
    got ".total.latency_ns[\"$1\"] / 100 | round / 10"
}

cat <<END

   network 10.77.1.0/24                    network 10.77.2.0/24
  numacast-probe send  ---->  numacastd  ---->  numacast-probe recv
     239.1.1.1:5000                              239.2.2.2:6000

  numacastd --rule "$rule"
END
trap clean_up EXIT
trap 'exit 1' INT TERM
for name in "$src" "$mid" "$dst"; do
    ip netns add "$name" || give_up "cannot make a network namespace"
    ip -n "$name" link set lo up
done
ip link add s0 netns $src type veth peer name in0 netns $mid || give_up "cannot make a veth pair"
ip link add out0 netns $mid type veth peer name d0 netns $dst || give_up "cannot make a veth pair"
ip netns exec $mid sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.in0.rp_filter=0
ip -n $src addr add 10.77.1.1/24 dev s0
ip -n $mid addr add 10.77.1.2/24 dev in0
ip -n $mid addr add 10.77.2.1/24 dev out0
ip -n $dst addr add 10.77.2.2/24 dev d0
ip -n $src link set s0 up
ip -n $mid link set in0 up
ip -n $mid link set out0 up
ip -n $dst link set d0 up
ip -n $src route add 224.0.0.0/4 dev s0

ip netns exec $mid "$build/src/numacastd" --rule "$rule" --exit-report "$work/report.json" \
    2>"$work/relay.log" &
relay=$!
until_so relay_is_ready
echo
sed 's/^<[0-7]>//; s/^/    | /' "$work/relay.log"

ip netns exec $dst "$build/src/numacast-probe" recv --quiet --json --ready-fd 3 \
    239.2.2.2%d0:6000 3>"$work/ready" >"$work/got.json" 2>"$work/receiver.log" &
receiver=$!
until_so test -s "$work/ready"
ip netns exec $src "$build/src/numacast-probe" send --quiet --json --no-loop --rate 10000 \
    --count 50000 239.1.1.1%s0:5000 >"$work/sent.json" 2>"$work/sender.log" ||
    give_up "numacast-probe cannot send"
kill -TERM "$relay"
wait "$relay" || give_up "numacastd ended with exit status $?"
until_so receiver_took_all
kill -TERM "$receiver"
wait "$receiver"
cat <<END

  sent       $(sent .sent) datagrams of 1316 bytes to 239.1.1.1:5000, 10000 a second
  relayed    $(reported .totals.relayed), the relay's own counters agreeing: $(reported .consistent)
  received   $(got .total.received) from 239.2.2.2:6000
             $(got .total.lost) lost, $(got .total.duplicated) doubled, $(
    got .total.reordered) out of order
  latency    p50 $(micro p50) us, p99 $(micro p99) us, from the sender's call to the receiver's
END
if [ "$(got .ok)" != true ] || [ "$(got .total.received)" != "$(sent .sent)" ]; then
    give_up "the relay lost something"
fi
