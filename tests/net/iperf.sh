#!/bin/bash
# An independent instrument: iperf 2 at 100 Mbit/s of multicast, group and port rewritten, loses
# nothing.
. "$(dirname "$0")/lib/story.sh"
story "iperf at 100 Mbit/s"
command -v iperf >/dev/null || skip "iperf is not installed"
topo_line
relay_start --rcvbuf 64M --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
# Its buffer is what the host allows, 20 ms of this by the kernel's default, so it comes first.
start_in dst chrt --rr 1 iperf --server --udp --bind 239.2.2.2%d0 --port 6000 --window 4M \
    --reportstyle C >"$work/iperf.csv" 2>"$work/iperf.log"
server=$started
joined() {
    in_ns dst ip maddr show dev d0 | grep -q 239.2.2.2
}
wait_for joined || fail_now "the iperf server does not join"
in_ns src iperf --client 239.1.1.1%s0 --port 5000 --udp --bandwidth 100m --len 1316 --time 8 \
    --ttl 4 >"$work/iperf-client.log" 2>&1
relay_stop
stop "$server" INT
# CSV: field 11 datagrams lost, 12 datagrams; one line at the end.
read -r lost datagrams <<<"$(awk -F, 'NF >= 12 { lost += $11; all += $12 }
    END { print lost, all }' "$work/iperf.csv")"
expect "iperf: datagrams lost" "$lost" 0
expect_cmp "iperf: datagrams" "$datagrams" -gt 60000
