# shellcheck shell=dash disable=SC2016,SC2034,SC2154
# The unit tests of the two ring engines on the kernel of Debian 13: min_wait, and what else a ring
# has since 6.1, in between the oldest kernel and this machine's. It also offers busy polling, to
# either engine: here of a virtio NIC, whose queue has to be known from the first datagrams. The
# kernel counts what came so (BusyPollRxPackets) apart from what interrupts brought.
title='both ring engines on a newer kernel, which polls a NIC'
kernel=6.12

machine() {
    cpus 2 sockets=1,cores=2,threads=1
    node 0 768 0-1
    nic in0 0 0
    nic tx0 - 0
}

pack() {
    cp "$here/cases/ring.sh" "$dir/etc/case/ring"
}

# polled: how many packets the kernel has received by polling.
polled() {
    awk '$1 == "TcpExt:" {
        if (!names) names = split($0, name)
        else for (i = 1; i <= names; i++) if (name[i] == "BusyPollRxPackets") print $i
    }' /proc/net/netstat
}

# queues_known: whether every flow has the number of its device's queue.
queues_known() {
    wget -q -O - http://127.0.0.1:9100/metrics | grep '^numacast_flow_napi_id' >/tmp/ids
    [ "$(grep -cE ' [1-9][0-9]*$' /tmp/ids)" = 2 ]
}

# in_force ENGINE OPTION...: its queue is known, the kernel polls it, and nothing is lost by it.
in_force() {
    polled_before=$(polled)
    polling "$@" --metrics 127.0.0.1:9100 || return
    log_says "$1: said at the start" 'shard 0: .* busy_poll'
    wait_for queues_known
    check "$1: queues are known: $(sort -u /tmp/ids | tr '\n' ';')" queues_known
    exactly_once "$1, its queue being known" 2 400 --rate 1000 239.1.1.0%tx0:5000 -- \
        239.2.2.0%rx0:6000
    polled_now=$(($(polled) - polled_before))
    check "$1: packets that the kernel polled: $polled_now" [ $polled_now -gt 0 ]
    stop_relay
    expect "$1: microseconds in force" "$(report '.shards[0].ring.busy_poll_us')" 200
    expect "$1: refused with" "$(report '.shards[0].ring.busy_poll_errno')" 0
}

guest() {
    . /etc/case/ring
    suites
    network
    for engine in $ENGINES; do
        in_force "$engine"
    done
}
