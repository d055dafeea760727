#!/bin/bash
# engines: uring
# Hosts by name. A DNS server is silent when the relay starts, answers, answers otherwise under
# traffic, knows the name no more, and knows it again; what does not depend on it loses nothing.
. "$(dirname "$0")/lib/story.sh"
story "names of hosts are looked up and followed"
have dnsmasq || skip "no dnsmasq (apt-get install dnsmasq-base)"
have curl || skip "no curl (apt-get install curl)"
"$daemon" --version --verbose | grep -q "host names *c-ares" || skip "built without c-ares"

# answer LINE...: what the server has from now on, as in a hosts file.
answer() {
    printf '%s\n' "$@" >"$work/hosts"
    [ -z "${dns_pid:-}" ] || kill -HUP "$dns_pid"
}

# logged WORDS: waits until the daemon's log has them.
logged() {
    if wait_for grep -qF -e "$1" "$daemon_log"; then
        ok "the log says: $1"
    else
        fail "the log does not say: $1"
    fi
}

# output TO EXPRESSION: of an output, by jq, from the exit report.
output() {
    reported ".rules[].flows[].outputs[] | select(.to == \"$1\") | $2"
}

topo_line
in_ns dst ip addr add 10.77.2.3/24 dev d0
mkdir -p "/etc/netns/$(ns mid)" || fail_now "cannot name a DNS server for a namespace"
at_exit rmdir --ignore-fail-on-non-empty /etc/netns
at_exit rm -r "/etc/netns/$(ns mid)"
echo "nameserver 10.77.1.1" >"/etc/netns/$(ns mid)/resolv.conf"
answer "10.77.2.2 host.example" "fd77:2::2 host.example" "10.77.1.2 circle.example"
start_in src dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv \
    --addn-hosts="$work/hosts" --local=/example/ --local-ttl=1 --user=root --pid-file= \
    --bind-interfaces --listen-address=10.77.1.1 >"$work/dns.log" 2>&1
dns_pid=$started
listens() {
    in_ns src ss -Hulan | grep -q '10.77.1.1:53 '
}
wait_up "$dns_pid" listens || fail_now "dnsmasq does not start"

kill -STOP "$dns_pid"
cat >"$work/relay.conf" <<END
rule 239.1.1.1%in0:5000 -> 239.2.2.1%out0:6001, Host.example:6000, [host.example%out0]:6002
rule 239.1.2.0/30%in0:5000 -> host.example:7000-7003 src=10.77.2.1
rule 10.77.1.2:5005 -> circle.example:5005
END
relay_control=$work/control
relay_start --config "$work/relay.conf" --metrics 127.0.0.1:9469
expect_words "it is ready without any answer" "$daemon_log" ", 7 pending: ready"
expect_words "and says why" "$daemon_log" "host.example:6000: pending: its name is being looked up"
recv_start group dst 239.2.2.1%d0:6001
recv_start four dst 10.77.2.2/31:6000
recv_start six dst "[fd77:2::2]:6002"
recv_start range dst 10.77.2.2/31:7000-7003
send src 239.1.1.1%s0:5000 --count 100 --rate 4000
relay_settle
logged "host.example: its name cannot be looked up: Timeout while contacting DNS servers; it is"
kill -CONT "$dns_pid"
logged "host.example: 10.77.2.2"
logged "host.example: fd77:2::2"
logged "circle.example: 10.77.1.2 is not used: "

start_in src "$probe" send --quiet --json --no-loop 239.1.1.1%s0:5000 --duration 600 \
    --rate "$(rate_of 2000)" >"$work/sent-all.json"
sender=$started
send src 239.1.2.0/30%s0:5000 --count-per-flow 20 --rate 4000
answer "10.77.2.3 host.example" "fd77:2::2 host.example" "10.77.1.2 circle.example"
logged "host.example: 10.77.2.3, before 10.77.2.2"
send src 239.1.2.0/30%s0:5000 --count-per-flow 20 --rate 4000
answer "192.0.2.9 other.example"
logged "its name cannot be looked up: Domain name not found; the last address stays: 10.77.2.3"
kill -HUP "$daemon_pid"
logged "reload: done: flows: 6 kept, 0 moved, 0 added, 0 removed, 0 received anew; outputs: 8 kept"
expect "show: address and lookup beside the name" \
    "$("$ctl" --control "$work/control" show outputs --json |
        jq -r '.outputs[] | select(.to == "host.example:6000") | "\(.address) \(.lookup)"')" \
    "10.77.2.3 its name cannot be looked up: Domain name not found; $(:
    )the last address stays: 10.77.2.3"
agains() {
    grep -c "host.example: can be looked up again" "$daemon_log"
}
is_found_again() {
    [ "$(agains)" -gt "$before" ]
}
before=$(agains)
answer "10.77.2.3 host.example" "fd77:2::2 host.example"
metrics_have_both() {
    in_ns mid curl -s -m 20 http://127.0.0.1:9469/metrics |
        grep -qF 'to="host.example:6000",address="10.77.2.3"'
}
wait_for metrics_have_both || fail "metrics do not have both"
wait_for is_found_again || fail "the name is not found again"
in_ns mid "$daemon" --check-host --json --config "$work/relay.conf" >"$work/check.json"
jq -r '.findings[] | select(.id == "host_name") | "\(.subject) \(.level) \(.value)"' \
    "$work/check.json" | LC_ALL=C sort -u >"$work/check.txt"
expect_words "--check-host: either family" "$work/check.txt" \
    "host.example ok 10.77.2.3, fd77:2::2, of which the first is taken, for 1 s"
expect_words "--check-host: IPv6" "$work/check.txt" "host.example ok fd77:2::2, for 1 s"
expect_words "--check-host: unknown" "$work/check.txt" "circle.example warn Domain name not found"
stop "$sender"
count=$(jq .sent "$work/sent-all.json")
relay_stop
recv_clean group $((count + 100))
recv_stop four
# Whatever the first address has not received the second one has, and nothing else.
expect "two addresses: received, duplicated" \
    "$(got four '.total | [.received, .duplicated] | join(" ")')" "$count 0"
expect "the second one has missed what the first one has" \
    "$(got four '[.flows[] | select(.target | startswith("10.77.2.3%") or
        startswith("10.77.2.3:")).lost]|add')" \
    "$(got four '[.flows[] | select(.target | startswith("10.77.2.2")).received]|add')"
recv_clean six "$count"
recv_clean range 160
expect "to a name: state, offered, sent, pending" \
    "$(output host.example:6000 '[.state, .offered, .sent, .drops.pending, .address]|join(" ")')" \
    "live $((count + 100)) $count 100 10.77.2.3"
expect "what would go round is pending" "$(output circle.example:5005 .state)" pending
