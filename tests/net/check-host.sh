#!/bin/bash
# engines: uring
# shellcheck disable=SC2034
# --check-host: conditions are made false for real; each is found, and the printed cure cures it.
. "$(dirname "$0")/lib/story.sh"
. "$src_top/tests/net/lib/check.sh"
story "the host check names what is wrong, and the cure that it prints helps"
topo_line
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
ssm="10.77.1.1@232.1.1.1%in0:5000 -> 232.2.2.2%out0:6000"
six="[ff3e::1%in0]:5000 -> [ff3e::2%out0]:6000"

# ---- a host that is in order, and the forms of the answer ----
look --huge off --rule "$rule" --rule "$ssm" --rule "$six"
expect "failures on a host in order" "$(jq .fail "$work/check.json")" 0
expect "exit status" "$check_status" 0
sums='.ok + .unknown + .warn + .fail == (.findings | length)'
expect "sums" "$(jq "$sums" "$work/check.json")" true
in_ns mid "$daemon" --check-host --rule "$rule" >"$work/check.txt"
expect "lines that do not begin with a level" \
    "$(sed '$d' "$work/check.txt" |
        grep -cvE '^(ok     |unknown|warn   |fail   )  [a-z_0-9]+( [^:]+)?: ')" 0
expect_words "the last line" "$work/check.txt" "findings: "
in_ns mid "$daemon" --check-host --topology "package:2 core:2 pu:1" 2>"$work/check.log"
expect "exit status with --topology" $? 2
expect_words "why" "$work/check.log" "--topology describes another"
in_ns mid "$daemon" --check-host --rule nonsense 2>/dev/null
expect "exit status for a rule that cannot be read" $? 2

# ---- interfaces ----
in_ns mid ip link set in0 down
look --rule "$rule"
expect_level link in0 fail
expect "exit status with a failure" "$check_status" 1
apply link in0
wait_for carrier mid in0 || fail "in0 does not come up"
look --rule "$rule"
expect_level link in0 ok
in_ns mid ip link set in0 multicast off
look --rule "$rule"
expect_level link in0 ok # a veth hears groups without that flag, as tunnels do
in_ns mid ip link set in0 multicast on
in_ns dst ip link set d0 down
look --rule "$rule"
expect_level link out0 warn
in_ns dst ip link set d0 up
wait_for carrier mid out0 || fail "out0 does not come up"
look --rule "239.1.1.1%nosuch0:5000 -> 239.2.2.2%out0:6000"
expect_level link nosuch0 fail
in_ns mid ip link set out0 mtu 1400
cured mtu "in0 -> out0" warn --rule "$rule"
in_ns mid ip route add 10.77.9.9/32 dev out0 mtu 1300
look --rule "239.1.1.9%in0:5000 -> 10.77.9.9%out0:6000" --rule "$rule"
expect_level path_mtu out0 warn
expect_words "which route" <(found path_mtu out0 value) "1300 by the route to 10.77.9.9"
in_ns mid ip route del 10.77.9.9/32
look --rule "239.1.1.9%in0:5000 -> 10.77.9.9%out0:6000" --rule "$rule"
expect_level path_mtu out0 ok
expect_level udp_checksums "" ok
expect_level reassembly "" ok
in_ns mid sysctl -qw net.ipv6.conf.in0.disable_ipv6=1
cured ipv6 in0 fail --rule "$six"
in_ns mid ethtool -K in0 gro off 2>/dev/null
cured gro in0 warn --rule "$rule"
in_ns mid ip addr del 10.77.2.1/24 dev out0
look --rule "$rule"
expect_level source_address out0 warn
in_ns mid ip addr add 10.77.2.1/24 dev out0

# ---- a bridge that snoops, and its port ----
in_ns mid ip link add br0 type bridge mcast_snooping 1 mcast_querier 0
in_ns mid ip link add port0 type veth peer name far0
in_ns mid ip link set port0 master br0
in_ns mid ip link set br0 up
in_ns mid ip link set port0 up
in_ns mid ip link set far0 up
cured querier br0 warn --rule "239.1.1.1%br0:5000 -> 239.2.2.2%out0:6000"
look --rule "239.1.1.1%port0:5000 -> 239.2.2.2%out0:6000"
expect_level link port0 fail
expect "what to do" "$(found link port0 advice)" "write %br0 in the rule"
relay_start --rule "239.1.1.1%port0:5000 -> 239.2.2.2%out0:6000"
relay_stop
expect_words "what the daemon says of it" "$daemon_log" "port0: a port of bridge br0"
look --rule "239.1.1.1%in0:5000 -> 239.2.2.2%port0:6000"
expect_level link port0 ok # sending by a port works
look --rule "239.1.1.1%lo:5000 -> 239.2.2.2%out0:6000"
expect_level link lo ok
expect_level mtu "lo -> out0" ok
in_ns mid ip link del br0
in_ns mid ip link del port0

# ---- memberships ----
in_ns mid sysctl -qw net.ipv4.conf.in0.force_igmp_version=2
look --rule "10.77.1.1@239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
expect_level igmp_version in0 ok # the kernel lets in the named source only, whatever it asks for
look --rule "$ssm"
expect_level igmp_version in0 warn # 232.0.0.0/8: routers ignore such a report
in_ns mid sysctl -qw net.ipv4.conf.in0.force_igmp_version=0
in_ns mid sysctl -qw net.ipv6.conf.in0.force_mld_version=1
look --rule "[fd77:1::1]@$six"
expect_level mld_version in0 warn
in_ns mid sysctl -qw net.ipv6.conf.in0.force_mld_version=0
in_ns mid sysctl -qw net.ipv4.igmp_max_memberships=0
relay_refuses 1 igmp_max_memberships --strict --rule "$rule"
cured igmp_max_memberships "" fail --rule "$rule"
relay_start --rule "$rule"
relay_stop

# ---- socket memory; this sysctl is the namespace's own from Linux 6.7 on ----
if in_ns mid sysctl -qw net.core.optmem_max=40 2>/dev/null; then
    relay_refuses 1 optmem_max --strict --rule "$rule"
    cured optmem_max "" fail --rule "$rule"
    relay_start --rule "$rule"
    relay_stop
fi

# ---- what an ordinary user may do ----
chmod 755 "$work"
install -m 755 "$daemon" "$work/numacastd"
daemon=$work/numacastd
user=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)
check_wrapper=("${user[@]}")
relay_wrapper=("${user[@]}")
install -d -m 777 "$work/report"
report=$work/report/report.json
cured src_keep "" fail --rule "$rule src=keep"
setcap -r "$daemon"
look --rule "239.1.1.1%in0:500 -> 239.2.2.2%out0:90 sport=90 src=keep"
expect_level src_keep "" fail
cured low_port "" fail --rule "239.1.1.1%in0:500 -> 239.2.2.2%out0:90 sport=90 src=keep"
expect_level src_keep "" ok
relay_start --rule "239.1.1.1%in0:500 -> 239.2.2.2%out0:90 sport=90 src=keep"
relay_stop
setcap -r "$daemon"

# limited KIND VALUE ID ARGUMENT...: a shell with that limit looks as an ordinary user, which is a
# failure; root runs the cure in that shell, and it looks again. Raising a limit takes
# CAP_SYS_RESOURCE, which root in a container may lack.
limited() {
    local kind=$1 value=$2 id=$3
    shift 3
    (
        prlimit --pid "$BASHPID" "--$kind=$value:$value"
        look "$@"
        expect_level "$id" "" fail
        cure=$(found "$id" "" cure)
        if ! capsh --has-p=cap_sys_resource 2>/dev/null; then
            echo "not tried, root has no CAP_SYS_RESOURCE here: $cure"
            exit "$failures"
        fi
        eval "${cure//\$\$/$BASHPID}" # in a subshell $$ is still the story
        look "$@"
        expect_level "$id" "" ok
        exit "$failures"
    ) || fail "$id: see above"
}
limited memlock 16384 memlock --engine uring --rule "$rule"
limited nofile 70 nofile --rule "239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000"

# ---- io_uring forbidden by a filter; by the sysctl, which is the whole machine's, in a guest ----
check_wrapper=("$build_top/tests/fake/deny" io_uring_setup=EPERM --)
look --engine uring --rule "$rule"
expect_level io_uring "" fail
expect_words "what to do" "$work/check.json" "seccomp profile allow io_uring_setup"
look --engine auto --rule "$rule"
expect_level io_uring "" warn
check_wrapper=("${user[@]}")

# ---- buffers: the sysctl belongs to the first namespace ----
before=$(sysctl -n net.core.rmem_max)
at_exit sysctl -qw "net.core.rmem_max=$before"
want=$((before + 4096))
look --rcvbuf "$want" --rule "$rule"
expect_level rmem_max "" warn
bash -c "$(found rmem_max "" cure)" >/dev/null
look --rcvbuf "$want" --rule "$rule"
expect_level rmem_max "" ok
check_wrapper=()
sysctl -qw "net.core.rmem_max=$before"
look --rcvbuf "$want" --rule "$rule"
expect_level rmem_max "" ok # root is not bound by it

# ---- a user namespace: its capabilities lift no limit, and what is tried says so ----
if unshare -Ur true 2>/dev/null; then
    before=$(sysctl -n net.core.rmem_max)
    want=$((before + 4096))
    check_wrapper=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all
        prlimit --nofile=70:70 unshare -Ur)
    look --rcvbuf "$want" --rule "239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000 src=keep"
    expect_level rmem_max "" warn
    expect_level nofile "" fail
    expect_level src_keep "" fail
    check_wrapper=()
fi

# ---- a port that somebody else holds ----
start_in mid socat -u UDP4-RECV:5001,bind=10.77.1.2 /dev/null
held() {
    in_ns mid ss -Huan | grep -q '10.77.1.2:5001'
}
wait_for held || fail_now "socat does not listen"
look --rule "10.77.1.2:5001 -> 239.2.2.2%out0:6000"
expect_level ports "" fail
look --rule "10.77.1.2:5002 -> 239.2.2.2%out0:6000"
expect_level ports "" ok
expect_documented
