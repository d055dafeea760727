#!/bin/bash
# engines: uring
# --check-host speaks the truth: what it says is dropped is dropped, and after its cure arrives.
. "$(dirname "$0")/lib/story.sh"
. "$src_top/tests/net/lib/check.sh"
story "what the host check fails is lost, what it cures is relayed"
topo_line
in_ns src ip addr add 10.99.0.5/32 dev s0
ssm="10.99.0.5@232.1.1.1%in0:5000 -> 232.2.2.2%out0:6000"
number=0

# arrive COUNT WHY ARGUMENT...: of 100 datagrams sent from 10.99.0.5, COUNT come out.
arrive() {
    local count=$1 why=$2
    shift 2
    number=$((number + 1))
    relay_start "$@"
    recv_start "sink$number" dst 232.2.2.2%d0:6000
    send src 232.1.1.1%s0:5000 --source 10.99.0.5 --count 100 --rate 5000
    relay_stop
    recv_stop "sink$number"
    expect "$why" "$(got "sink$number" .total.received)" "$count"
}

# filtered: datagrams that the reverse-path filter has dropped.
filtered() {
    in_ns mid cat /proc/net/netstat |
        awk '/^TcpExt/ { if (!head) { for (i = 1; i <= NF; i++) name[i] = $i; head = 1 } else
            for (i = 1; i <= NF; i++) if (name[i] == "IPReversePathFilter") print $i }'
}

# ---- reverse-path filter: no route, strict; another route, strict; no route, loose ----
in_ns mid sysctl -qw net.ipv4.conf.in0.rp_filter=1
look --rule "$ssm"
expect_level rp_filter in0 fail
arrive 0 "strict, source without a route" --rule "$ssm"
expect "dropped by the filter" "$(filtered)" 100
apply rp_filter in0
arrive 100 "after the cure" --rule "$ssm"

in_ns mid ip route add 10.99.0.5/32 dev out0
in_ns mid sysctl -qw net.ipv4.conf.all.rp_filter=1
look --rule "$ssm"
expect_level rp_filter in0 fail
arrive 0 "strict, source routed elsewhere" --rule "$ssm"
cured rp_filter in0 fail --rule "$ssm"
arrive 100 "after the cure, loose" --rule "$ssm"

in_ns mid ip route del 10.99.0.5/32
look --rule "$ssm"
expect_level rp_filter in0 fail
arrive 0 "loose, source without a route" --rule "$ssm"
apply rp_filter in0
look --rule "$ssm"
expect_level rp_filter in0 ok
arrive 100 "after the cure, off" --rule "$ssm"

in_ns mid sysctl -qw net.ipv4.conf.in0.rp_filter=1
in_ns mid ip route add 10.99.0.5/32 dev in0
look --rule "$ssm"
expect_level rp_filter in0 ok
arrive 100 "strict, source routed back" --rule "$ssm"
in_ns mid ip route del 10.99.0.5/32

# An interface without an address: loose mode accepts only what the route leads back to.
in_ns mid ip addr del 10.77.1.2/24 dev in0
in_ns mid sysctl -qw net.ipv4.conf.in0.rp_filter=2
in_ns mid ip route add 10.99.0.5/32 dev out0
look --rule "$ssm"
expect_level rp_filter in0 fail
arrive 0 "loose, no address, source routed elsewhere" --rule "$ssm"
apply rp_filter in0
arrive 100 "after the cure" --rule "$ssm"
in_ns mid ip route del 10.99.0.5/32

# The same, with neither an address nor a route: nobody at all is heard, whatever the rule names.
any="232.1.1.1%in0:5000 -> 232.2.2.2%out0:6000"
in_ns mid sysctl -qw net.ipv4.conf.in0.rp_filter=2
look --rule "$any"
expect_level rp_filter in0 fail
arrive 0 "loose, neither address nor route" --rule "$any"
cured rp_filter in0 fail --rule "$any"
arrive 100 "after the cure" --rule "$any"
in_ns mid ip addr add 10.77.1.2/24 dev in0

# ---- an old IGMP: the kernel asks for the group and lets in only the source that is named ----
in_ns mid sysctl -qw net.ipv4.conf.in0.force_igmp_version=2
named="10.99.0.5@239.1.1.1%in0:5000 -> 232.2.2.2%out0:6000"
look --rule "$named"
expect_level igmp_version in0 ok
relay_start --rule "$named"
recv_start old dst 232.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --source 10.99.0.5 --count 100 --rate 5000
send src 239.1.1.1%s0:5000 --count 100 --rate 5000
relay_stop
recv_stop old
expect "by IGMPv2, of two sources" "$(got old .total.received)" 100
in_ns mid sysctl -qw net.ipv4.conf.in0.force_igmp_version=0

# A source that this host has itself.
in_ns mid ip addr add 10.99.0.5/32 dev lo
look --rule "$ssm"
expect_level own_source in0 warn
arrive 0 "source is an address of the relay's host" --rule "$ssm"
apply own_source in0
look --rule "$ssm"
expect_level own_source in0 ok
arrive 100 "after the cure" --rule "$ssm"
in_ns mid ip addr del 10.99.0.5/32 dev lo

# ---- interfaces without the MULTICAST flag, as WireGuard and tun are ----
in_ns mid ip link set in0 multicast off
in_ns mid ip link set out0 multicast off
look --rule "$ssm"
expect_level link in0 ok
expect_level link out0 ok
in_ns mid sysctl -qw net.ipv4.conf.in0.rp_filter=0
arrive 100 "without the flag" --rule "$ssm"
in_ns mid ip link set in0 multicast on
in_ns mid ip link set out0 multicast on

# ---- packet filter: a policy, a rule, a rule of the other direction, iptables' own chains ----
command -v nft >/dev/null || fail_now "nft is not installed"
nft_mid() {
    in_ns mid nft "$@" || fail "nft $*"
}
nft_mid add table inet fw
nft_mid 'add chain inet fw in { type filter hook input priority 0; policy drop; }'
nft_mid 'add rule inet fw in ct state vmap { established : accept, invalid : drop }'
nft_mid 'add rule inet fw in tcp dport { 22, 80 } accept'
look --rule "$ssm"
expect_level firewall_in in0 fail
expect_level firewall_membership in0 warn
arrive 0 "dropped by a policy" --rule "$ssm"
apply firewall_in in0
look --rule "$ssm"
expect_level firewall_in in0 ok
apply firewall_membership in0
look --rule "$ssm"
expect_level firewall_membership in0 ok
arrive 100 "after the cure" --rule "$ssm"
nft_mid flush ruleset

nft_mid add table ip t
nft_mid 'add chain ip t pre { type filter hook prerouting priority -300; }'
nft_mid 'add chain ip t groups'
nft_mid 'add rule ip t pre iifname "in*" ip daddr 224.0.0.0/4 jump groups'
nft_mid 'add rule ip t groups udp dport 5000-5100 ip saddr != 10.0.0.0/16 counter drop'
look --rule "$ssm"
expect_level firewall_in in0 fail
arrive 0 "dropped by a rule in a chain jumped to" --rule "$ssm"
cured firewall_in in0 fail --rule "$ssm"
arrive 100 "after the cure" --rule "$ssm"
look --rule "10.0.3.3@232.1.1.1%in0:5000 -> 232.2.2.2%out0:6000"
expect_level firewall_in in0 ok
nft_mid flush ruleset

nft_mid add table inet fw
nft_mid 'add chain inet fw out { type filter hook output priority 0; }'
nft_mid 'add rule inet fw out oifname "out0" udp dport { 6000, 7000 } drop'
look --rule "$ssm"
expect_level firewall_in in0 ok
expect_level firewall_out out0 fail
cured firewall_out out0 fail --rule "$ssm"
arrive 100 "after the cure" --rule "$ssm"
nft_mid flush ruleset

nft_mid add table inet fw
nft_mid 'add chain inet fw in { type filter hook input priority 0; }'
nft_mid 'add rule inet fw in udp sport 4711 drop'
look --rule "$ssm"
expect_level firewall_in in0 warn # the sender's port is not known beforehand
cured firewall_in in0 warn --rule "$ssm"
