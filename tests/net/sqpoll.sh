#!/bin/bash
# SQPOLL: the kernel's submitting thread runs on a CPU of its own, beside the shard, and datagrams
# pass in order. Where no CPU is left over for it, --sqpoll is refused instead of starving it.
. "$(dirname "$0")/lib/story.sh"
story "the kernel submits from a CPU that runs no shard"
[ "$(nproc)" -ge 2 ] || skip "one CPU only"
topo_line
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
relay_start --rcvbuf 64M --sqpoll --shards 1 --rule "$rule"
if [ "$ENGINE" = uring ]; then
    own=$(sed -n 's/.*sqpoll_cpu=\([0-9]*\).*/\1/p' "$daemon_log")
    shard=$(sed -n 's/^shard 0: cpu \([0-9]*\),.*/\1/p' "$daemon_log")
    expect_cmp "CPU of the shard, CPU named for submitting" "$shard" -ne "$own"
    task=$(grep -l '^iou-sqp' /proc/"$daemon_pid"/task/*/comm)
    expect "where the kernel's thread may run" \
        "$(sed -n 's/^Cpus_allowed_list:\t//p' "${task%comm}status")" "$own"
fi
recv_start sink dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 4000 --rate 4000
send src 239.1.1.1%s0:5000 --count 4000 --rate 8000 --gso 20
relay_stop
recv_clean sink 8000

if [ "$ENGINE" = uring ]; then
    relay_refuses 2 "--sqpoll: $(nproc) shards need a CPU each" \
        --sqpoll --shards "$(nproc)" --rule "$rule"
    expect_words "the cure" "$daemon_log" "--reserve-cores"
fi
