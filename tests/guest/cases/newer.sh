# shellcheck shell=dash disable=SC2016,SC2034,SC2154
# The unit tests of the two ring engines on the kernel of Debian 13: min_wait, and what else a ring
# has since 6.1, in between the oldest kernel and this machine's. It also offers busy polling, to
# either engine: here of a virtio NIC, whose queue has to be known from the first datagrams. The
# kernel counts what came so (BusyPollRxPackets) apart from what interrupts brought.
# Then the kernel relays, with a queue between interfaces that is too short for what it sends at a
# stretch. That is every namespace's, so no story may touch it; what does not fit is known by the
# device (since Linux 6.7) and counted, and the sums are exact. So is the sysctl that forbids
# io_uring (since 6.6): --check-host says so, and its cure is one.
title='both ring engines on a newer kernel, which polls a NIC and relays'
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

# overflow: eight copies of each datagram, and room for three in the queue.
overflow() {
    outputs=$(for i in 0 1 2 3 4 5 6 7; do printf ', 239.2.2.%s%%out0:6000' $i; done)
    start_relay 'a short backlog' --huge off --fastpath require \
        --rule "239.1.1.0%in0:5000 -> ${outputs#, }" || return
    rm -f /tmp/recv.ready # or that of the receiver before is taken for this one's
    in_ns rx numacast-probe recv --json --quiet --rcvbuf 8M --idle 10 --ready-fd 3 \
        239.2.2.0/29%rx0:6000 >/tmp/recv.json 2>/tmp/recv.log 3>/tmp/recv.ready &
    receiver=$!
    wait_up $receiver [ -s /tmp/recv.ready ] || fail "receiver: $(cat /tmp/recv.log)"
    backlog=$(cat /proc/sys/net/core/netdev_max_backlog)
    echo 3 >/proc/sys/net/core/netdev_max_backlog
    check 'send into a short backlog' in_ns tx numacast-probe send --quiet --count 300 --rate 500 \
        239.1.1.0%tx0:5000
    stop_relay # while the receiver waits whether more comes
    echo "$backlog" >/proc/sys/net/core/netdev_max_backlog
    wait $receiver
    expect 'received by the program' "$(report '.rules[0].flows[0].fast.received')" 300
    sums='[.rules[0].flows[0].outputs[].fast | .sent, .qdisc] | add'
    expect 'sent, and found no room' "$(report "$sums")" 2400
    check 'some found none' [ "$(report '[.rules[0].flows[0].outputs[].drops.qdisc] | add')" -gt 0 ]
    expect 'what has arrived' "$(jq .total.received /tmp/recv.json)" \
        "$(report '[.rules[0].flows[0].outputs[].sent] | add')"
}

# uring_is LEVEL: what --check-host finds.
uring_is() {
    numacastd --check-host --json --engine uring >/tmp/check.json 2>/tmp/check.log \
        --rule '239.1.1.0%in0:5000 -> 239.2.2.0%out0:6000'
    expect "io_uring, its sysctl being $(cat /proc/sys/kernel/io_uring_disabled)" \
        "$(jq -r '.findings[] | select(.id == "io_uring").level' /tmp/check.json)" "$1"
}

forbidden() {
    echo 2 >/proc/sys/kernel/io_uring_disabled
    uring_is fail
    cure=$(jq -r '.findings[] | select(.id == "io_uring").cure' /tmp/check.json)
    check "its cure: $cure" sh -c "$cure"
    uring_is ok
}

guest() {
    . /etc/case/ring
    suites
    network
    forbidden
    for engine in $ENGINES; do
        in_force "$engine"
    done
    overflow
}
