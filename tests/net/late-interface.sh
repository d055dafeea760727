#!/bin/bash
# also: trains part-fast
# Interfaces and a port that are not there when the relay starts: what needs them is
# pending, all else is relayed, and what comes later is used at once and counted to the datagram.
. "$(dirname "$0")/lib/story.sh"
story "what cannot be opened yet is pending, and live as soon as it can"

# live NAME: whether the log says so.
live() {
    grep -qF "$1: live" "$daemon_log"
}

# output TO EXPRESSION: of an output, by jq, from the exit report.
output() {
    reported ".rules[].flows[].outputs[] | select(.to == \"$1\") | $2"
}

topo_line
rules=(
    --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6001, 239.2.2.2%late0:6002"
    --rule "239.1.1.9%late1:5000 -> 239.2.2.9%out0:6009"
    --rule "[ff1e::9%late1]:5000 -> [ff1e::29%out0]:6010"
    --rule "10.77.1.2:5001 -> 239.2.2.4%out0:6004"
)
recv_start holder mid 10.77.1.2:5001
relay_refuses 1 "late0 does not exist" --strict "${rules[@]}"
relay_start "${rules[@]}"
expect_words "the log counts them" "$daemon_log" ", 4 pending: ready"
expect_words "and says why" "$daemon_log" "239.2.2.2%late0:6002: pending: interface late0 does not"
expect_words "a port" "$daemon_log" "10.77.1.2:5001: pending: "
recv_start one dst 239.2.2.1%d0:6001
send src 239.1.1.1%s0:5000 --count 100 --rate 2000
relay_settle

wire 3 mid late0 dst dl0
wire 4 src s1 mid late1
recv_stop holder
for name in 239.2.2.2%late0:6002 239.1.1.9%late1:5000 "[ff1e::9%late1]:5000" \
    10.77.1.2:5001; do
    if wait_for live "$name"; then
        echo "ok: $name is live"
    else
        fail "$name does not become live"
    fi
done
recv_start two dst 239.2.2.2%dl0:6002
recv_start nine dst 239.2.2.9%d0:6009
recv_start six dst "[ff1e::29%d0]:6010"
recv_start four dst 239.2.2.4%d0:6004
send src 239.1.1.1%s0:5000 --count 50 --rate 2000
send src 239.1.1.9%s1:5000 --count 60 --rate 2000
send src "[ff1e::9%s1]:5000" --count 70 --rate 2000
send src 10.77.1.2:5001 --count 80 --rate 2000
relay_stop
recv_clean one 150
recv_clean two 50
recv_clean nine 60
recv_clean six 70
recv_clean four 80
to=239.2.2.2%late0:6002
expect "$to: state, offered, sent, pending" \
    "$(output "$to" '[.state, .offered, .sent, .drops.pending] | map(tostring) | join(" ")')" \
    "live 150 50 100"

relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6001, 239.2.2.2%never0:6002" \
    --rule "239.1.1.2%never0:5000 -> 239.2.2.3%out0:6003"
recv_start last dst 239.2.2.1%d0:6001
send src 239.1.1.1%s0:5000 --count 100 --rate 2000
relay_stop
recv_clean last 100
expect "what never came: state, pending" \
    "$(output 239.2.2.2%never0:6002 '"\(.state) \(.drops.pending)"')" "pending 100"
expect "why" "$(output 239.2.2.2%never0:6002 .reason)" "interface never0 does not exist"
expect "an ingress that never came" \
    "$(reported '.rules[1].flows[0] | "\(.state) \(.received) \(.reason)"')" \
    "pending 0 interface never0 does not exist"
