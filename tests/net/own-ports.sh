#!/bin/bash
# Unicast ports that no other local user can have: below net.ipv4.ip_unprivileged_port_start, which
# is the only thing that keeps others away, as the same port above it shows.
. "$(dirname "$0")/lib/story.sh"
story "ports of the relay's own"
topo_line
in_ns src ip addr add 10.77.1.9/24 dev s0
in_ns mid sysctl -qw net.ipv4.ip_unprivileged_port_start=6000
chmod 755 "$work"
install -d -m 777 "$work/report"
report=$work/report/report.json
conf=$work/numacastd.conf

# steal ADDRESS PORT DEVICE PEER: what comes of each way to have that port.
steal() {
    in_ns mid python3 "$src_top/tests/net/lib/thief.py" "$@"
}
# all_refused ADDRESS PORT DEVICE PEER
all_refused() {
    expect "what a thief is told of port $2" \
        "$(steal "$@" | awk '{ print $2 }' | sort | uniq -c | xargs)" "6 EACCES"
}

cat >"$conf" <<END
rule 10.77.1.1@10.77.1.2%in0:5000 -> 239.2.2.1%out0:7001
rule 10.77.1.9@10.77.1.2%in0:5000 -> 239.2.2.2%out0:7002
rule 10.77.1.2%in0:5001 -> 239.2.2.3%out0:7003
rule [fd77:1::2%in0]:5002 -> 239.2.2.4%out0:7004
rule 10.77.1.2%in0:5003 spread=2 by=source -> 239.2.2.5%out0:7005
rule 10.77.1.2%in0:5004 -> 10.77.2.2:7006 reply=yes sport=5005
rule 10.77.1.1@10.77.1.2%in0:6100 -> 239.2.2.7%out0:7007
rule 10.77.1.9@10.77.1.2%in0:6100 -> 239.2.2.7%out0:7007
rule 10.77.1.2%in0:6101 -> 239.2.2.9%out0:7009
END
relay_start --user nobody --shards 2 --oversubscribe --config "$conf"
recv_start one dst 239.2.2.1%d0:7001
recv_start nine dst 239.2.2.2%d0:7002
send src 10.77.1.2:5000 --source 10.77.1.1 --count 300 --rate 3000 &
sending=$!
for port in 5000 5001 5003 5004; do
    all_refused 10.77.1.2 "$port" in0 10.77.1.1
done
all_refused fd77:1::2 5002 in0 fd77:1::1
all_refused 10.77.2.1 5005 out0 10.77.2.2
wait "$sending"
send src 10.77.1.2:5000 --source 10.77.1.9 --count 200 --rate 3000
relay_settle

# Nothing else keeps him away: where ports are everybody's, some way is open, whether rules share
# the port or one has it alone. (doc/SECURITY.md says so; a kernel may mend that one day.)
for port in 6100 6101; do
    steal 10.77.1.2 $port in0 10.77.1.1 >"$work/above"
    expect_words "what a thief is told of port $port" "$work/above" open
done

# The relay itself gets such ports while it runs, too, as a user without root's rights.
echo "rule 10.77.1.2%in0:5010 -> 239.2.2.8%out0:7008" >>"$conf"
kill -HUP "$daemon_pid"
wait_for grep -q "reload: done" "$daemon_log" || fail "the reload does not end"
all_refused 10.77.1.2 5010 in0 10.77.1.1
recv_start late dst 239.2.2.8%d0:7008
send src 10.77.1.2:5010 --source 10.77.1.1 --count 100 --rate 3000
relay_stop
recv_clean one 300
recv_clean nine 200
recv_clean late 100
