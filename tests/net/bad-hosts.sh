#!/bin/bash
# shellcheck disable=SC2034
# Hosts that cannot do what is asked: one clear message, exit status 1 or 2, nothing half-started.
. "$(dirname "$0")/lib/story.sh"
story "bad hosts are named"
topo_line
deny=$build_top/tests/fake/deny
[ -x "$deny" ] || skip "tests/fake/deny is not built (libseccomp-dev is missing)"
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

relay_refuses 1 "nosuch0" --strict --rule "239.1.1.1%nosuch0:5000 -> 239.2.2.2%out0:6000"
relay_refuses 1 "nosuch1" --strict --rule "239.1.1.1%in0:5000 -> 239.2.2.2%nosuch1:6000"
expect "groups joined by a refused relay" "$(in_ns mid ip maddr show dev in0 | grep -c 239.1.1.1)" 0

# A port that somebody else holds, without SO_REUSEPORT.
start_in mid socat -u UDP4-RECV:5001,bind=10.77.1.2 /dev/null
held() {
    in_ns mid ss -Huan | grep -q '10.77.1.2:5001'
}
wait_for held || fail_now "socat does not listen"
relay_refuses 1 "5001" --strict --rule "10.77.1.2:5001 -> 239.2.2.2%out0:6000"

# A container that masks the directory of nodes with an empty one.
relay_wrapper=(unshare -m bash -c 'mount -t tmpfs none /sys/devices/system/node && exec "$@"' -)
relay_refuses 1 "is there and empty" --rule "$rule"
relay_wrapper=()

# Joining is refused for want of memberships: the sysctl is named.
relay_wrapper=("$deny" "setsockopt:2=42=ENOBUFS" --)
relay_refuses 1 "igmp_max_memberships" --strict --rule "$rule"

# No huge pages at all.
relay_wrapper=("$deny" "mmap:3&0x40000=ENOMEM" --)
relay_refuses 1 "huge" --require-huge --huge 2M --rule "$rule"
relay_start --rule "$rule"
relay_stop
expect "degraded and said so" \
    "$(reported '.shards[0] | [.page_size, .huge_degraded] | join(" ")')" "thp true"
