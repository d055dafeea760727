#!/bin/bash
# by=cpu: the shard that runs on a CPU takes what the kernel receives there, multicast and unicast.
# A veth receives on the CPU that sends, so senders are pinned.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/spread.sh"
story "a flow is divided by the CPU that receives it"
[ "$(nproc)" -ge 2 ] || skip "one CPU only"
mapfile -t cpus < <(spread_cpus)
topo_line
relay_start --cpus "${cpus[0]},${cpus[1]}" --rule \
    "239.1.1.1%in0:5000 name=m4 spread=2 by=cpu -> 239.2.2.1%out0:6000" --rule \
    "[ff3e::1%in0]:5000 name=m6 spread=2 by=cpu -> [ff3e::2%out0]:6000" --rule \
    "10.77.1.2%in0:5001 name=u4 spread=2 by=cpu -> 239.2.2.2%out0:6000" --rule \
    "[fd77:1::2%in0]:5001 name=u6 spread=2 by=cpu -> [ff3e::3%out0]:6000"
recv_start sink dst 239.2.2.1%d0:6000 239.2.2.2%d0:6000 "[ff3e::2%d0]:6000" "[ff3e::3%d0]:6000"

# from CPU COUNT: sends COUNT datagrams to each flow from that CPU.
from() {
    local to
    for to in 239.1.1.1%s0:5000 "[ff3e::1%s0]:5000" 10.77.1.2%s0:5001 "[fd77:1::2%s0]:5001"; do
        in_ns src taskset -c "$1" "$probe" send --quiet --no-loop --rate 2000 --count "$2" "$to" \
            >>"$work/sent.out" 2>>"$work/send.log" || fail "a sender on CPU $1 failed"
    done
}

from "${cpus[0]}" 300
from "${cpus[1]}" 200
relay_stop
recv_clean sink 2000
for rule in m4 m6 u4 u6; do
    for cpu in "${cpus[@]}"; do
        expect "$rule on CPU $cpu" "$(reported ". as \$all | .rules[] | select(.rule == \"$rule\")
            | .flows[] | select(.shard as \$s
                | \$all.shards[] | select(.shard == \$s).cpu == $cpu) | .received")" \
            "$([ "$cpu" = "${cpus[0]}" ] && echo 300 || echo 200)"
    done
done
