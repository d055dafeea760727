#!/bin/bash
# engines: uring
# builds: plain
# The examples of numacastd.conf(5) do what the page says: each is taken out of it, relayed by as it
# stands, and judged by what arrives.
. "$(dirname "$0")/lib/story.sh"
. "$src_top/tests/lib/examples.sh"
story "the manual's examples relay"
examples_extract "$src_top/doc/numacastd.conf.5" "$work" >"$work/examples.log"

# cable SPACE IF ADDRESS SPACE IF ADDRESS: as wire, with IPv4 addresses as an example has them.
cable() {
    veth_pair "$1" "$2" "$4" "$5"
    in_ns "$1" ip link set "$2" up
    in_ns "$4" ip link set "$5" up
    in_ns "$1" ip addr add "$3" dev "$2"
    in_ns "$4" ip addr add "$6" dev "$5"
    wait_for carrier "$1" "$2" || fail_now "$2 does not come up"
    wait_for carrier "$4" "$5" || fail_now "$5 does not come up"
}

# copies KIND COUNT LOST GROUP:PORT LOCAL LOST GROUP:PORT LOCAL...: in src, COUNT numbers of a feed
# (rtp or moldudp64) on each leg, from its LOCAL address, without every number whose remainder by 10
# is LOST. One process, so that legs are side by side.
copies() {
    in_ns src python3 - "$@" <<'PY'
import socket, struct, sys, time
kind, count = sys.argv[1], int(sys.argv[2])
legs = []
for lost, target, local in zip(sys.argv[3::3], sys.argv[4::3], sys.argv[5::3]):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((local, 0))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(local))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
    group, port = target.split(":")
    legs.append((sock, int(lost), (group, int(port))))
for i in range(count):
    if kind == "rtp":
        data = struct.pack("!BBHII", 0x80, 96, i, i * 10, 7) + b"video"
    else:
        data = struct.pack("!10sQHH5s", b"session001", i + 1, 1, 5, b"quote")
    for sock, lost, target in legs:
        if i % 10 != lost:
            sock.sendto(data, target)
    time.sleep(0.0005)
PY
}

# stop_relay SPACE: as relay_stop; what is in its sockets is waited for in that namespace.
stop_relay() {
    relay_ns=$1
    relay_stop
}

# merged: of the first rule, numbers, lost by all, and relayed; then what outputs sent that had any.
merged() {
    reported '.rules[0] | "\(.merge.numbers) \(.merge.lost_all) \(.merge.relayed), \(
        [.flows[].outputs[].sent | select(. > 0)] | join(" "))"'
}

ns_add src mid dst cloud host
cable src s-a 192.0.2.10/24 mid feed-a 192.0.2.1/24
cable src s-b 198.51.100.10/24 mid feed-b 198.51.100.1/24
cable mid desk 10.20.0.1/24 dst d-desk 10.20.0.2/24

echo "---- market data"
relay_start --config "$work/market-data.conf"
copies moldudp64 500 3 233.252.0.1:26400 192.0.2.10 7 233.252.0.65:26400 198.51.100.10
relay_stop
expect "numbers, lost by all, relayed; sent" "$(merged)" "500 0 500, 500"
expect "lost by each network" "$(reported '[.rules[0].merge.legs[].lost] | join(" ")')" "50 50"

echo "---- IPTV"
cable src s-head 10.21.0.2/24 mid head 10.21.0.1/24
cable mid access1 10.22.0.1/24 dst d-access1 10.22.0.2/24
cable mid access2 203.0.113.1/24 dst d-access2 203.0.113.70/24
relay_start --config "$work/iptv.conf"
recv_start one dst 239.20.1.1%d-access1:5004
recv_start lobby dst 203.0.113.70:5004
copies rtp 200 4 239.20.0.5:5004 10.21.0.2
send src 239.20.1.1%s-head:5004 --count 300 --rate 1000
relay_stop
expect "of a channel numbers, lost before, relayed; sent" "$(merged)" "200 20 180, 180 180"
recv_clean one 300
# What comes in bursts, since a machine stood still, is more than the narrow link has room for.
limited=$(reported '[.rules[1].flows[].outputs[].drops.rate_limited] | add')
recv_stop lobby
expect "lobby: received" "$(got lobby .total.received)" $((300 - limited))

echo "---- a cloud"
cable src s-lan 10.23.0.2/24 mid lan0 10.23.0.1/24
cable mid wan0 10.50.0.1/24 cloud up0 10.60.0.10/24
cable cloud down0 10.60.1.9/24 host cloud0 10.60.1.21/24
in_ns mid ip route add 10.60.0.0/24 dev wan0
in_ns cloud ip route add 10.50.0.0/24 dev up0
in_ns host ip addr add 10.60.1.22/24 dev cloud0
relay_ns=host relay_start --config "$work/host.conf"
host_pid=$daemon_pid
recv_start programs host 239.30.0.0/29%cloud0:5000
recv_start plain host 10.60.1.22:6000-6007
relay_ns=cloud relay_start --config "$work/cloud.conf"
cloud_pid=$daemon_pid
relay_ns=mid relay_start --config "$work/site.conf"
send src 239.30.0.0/29%s-lan:5000 --count-per-flow 50 --rate 1000
for relay in "mid $daemon_pid" "cloud $cloud_pid" "host $host_pid"; do
    read -r space daemon_pid <<<"$relay"
    stop_relay "$space"
done
relay_ns=mid
recv_clean programs 400
recv_clean plain 400

echo "---- A and B networks"
cable src s-na 10.24.0.2/24 mid net-a 10.24.0.1/24
cable src s-nb 10.25.0.2/24 mid net-b 10.25.0.1/24
cable mid out-a 10.26.0.1/24 dst d-oa 10.26.0.2/24
cable mid out-b 10.27.0.1/24 dst d-ob 10.27.0.2/24
relay_start --config "$work/studio.conf"
recv_start a dst 239.41.0.2%d-oa:5010
recv_start b dst 239.41.1.2%d-ob:5010
copies rtp 500 2 239.40.0.1:5004 10.24.0.2 5 239.40.1.1:5004 10.25.0.2
send src 239.40.1.2%s-nb:5010 --count 100 --rate 1000 # network A brings no tally
relay_stop
expect "numbers, lost by all, relayed; sent" "$(merged)" "500 0 500, 500 500"
recv_clean a 100
recv_clean b 100
