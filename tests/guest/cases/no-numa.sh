# shellcheck shell=dash disable=SC2034
# A kernel without NUMA (CONFIG_NUMA=n), as far as a process sees: no directory of nodes, one pool
# of huge pages. The printed commands exist there, and nothing is said of nodes or of mbind.
title='no NUMA: one pool of huge pages'

machine() {
    cpus 4 sockets=1,cores=4,threads=1
    node 0 512 0-3
}

rule='239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000'

network() {
    veth in0 10.1.0.1/24 tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
}

# A directory of nodes that is there and empty is more than such a kernel has.
hide_nodes() {
    mkdir /tmp/system
    mount --bind /sys/devices/system /tmp/system
    mount -t tmpfs none /sys/devices/system
    mkdir /sys/devices/system/cpu
    mount --bind /tmp/system/cpu /sys/devices/system/cpu
}

relay() {
    start_relay "$1" --engine "$1" --require-huge --shards 3 --rule "$rule" || return
    check "$1: all on huge pages" test "$(grep -c 'bytes in 2M pages, verified' "$RELAY.log")" -eq 3
    check "$1: nothing about mbind" sh -c "! grep -q mbind $RELAY.log"
    exactly_once "$1" 1 50 --rate 1500 239.1.1.1%tx0:5000 -- 239.2.2.2%rx0:6000
    stop_relay
}

guest() {
    network
    SENDER_ON='taskset 1'
    hide_nodes
    refuses 'no huge pages yet' 1 \
        'this machine has 0 .* echo [0-9]+ > /sys/kernel/mm/hugepages/hugepages-2048kB/' \
        --require-huge --huge 2M --rule "$rule"
    numacastd --plan=hugepages --shards 3 --rule "$rule" >/tmp/commands
    check 'the commands name the pool there is' \
        grep -q '> /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages' /tmp/commands
    check 'they work' sh /tmp/commands
    numacastd --check-host --rule "$rule" >/tmp/findings
    check 'the host check sees the pages' grep -qE '^ok +huge_pages node 0: [0-9]+ of 2 MiB' \
        /tmp/findings
    for engine in $ENGINES; do
        relay "$engine"
    done
}
