# shellcheck shell=dash disable=SC2034
# Flows divided by their senders on the oldest kernel: each sender's datagrams arrive once and in
# order, by the shard of its share, with a filter for a group and SO_REUSEPORT for a unicast port;
# and the kernel's programs say what the function says, address by address.
title='flows divided by source and CPU on the oldest kernel'

machine() {
    cpus 4 sockets=1,cores=4,threads=1
    node 0 768 0-3
    nic in0 0 0
    nic out0 0 1
    nic tx0 - 0
    nic rx0 - 1
}

# share_of N K: whose share 10.1.0.N is.
share_of() {
    echo $(((((10 << 24 | 1 << 16 | $1) * 2654435761 & 0xffffffff) >> 16) % $2))
}

# relay ENGINE: four senders in turn to a group and to a unicast port, over two and three shards.
relay() {
    start_relay "$1" --engine "$1" --huge off \
        --rule '239.1.1.1%in0:5000 name=group spread=3 by=source -> 239.2.2.1%out0:6000' \
        --rule '10.1.0.1%in0:5001 name=port spread=2 by=source -> 239.2.2.2%out0:6000' || return
    for n in 11 12 13 14; do
        exactly_once "$1, 10.1.0.$n" 1 100 --rate 500 --source 10.1.0.$n 239.1.1.1%tx0:5000 -- \
            239.2.2.1%rx0:6000
        exactly_once "$1, 10.1.0.$n, unicast" 1 100 --rate 500 --source 10.1.0.$n 10.1.0.1:5001 -- \
            239.2.2.2%rx0:6000
    done
    stop_relay
    for rule in group.3 port.2; do
        k=${rule#*.}
        wanted=
        share=0
        while [ $share -lt "$k" ]; do
            count=0
            for n in 11 12 13 14; do
                [ "$(share_of $n "$k")" != $share ] || count=$((count + 105)) # and the end markers
            done
            wanted="$wanted${wanted:+ }$count"
            share=$((share + 1))
        done
        expect "$1, ${rule%.*}: received by each share" "$(report ".rules[]
            | select(.rule == \"${rule%.*}\") | .flows | sort_by(.spread.share) | .[].received")" \
            "$wanted"
    done
    expect "$1: lost by the kernel" "$(report .totals.kernel_drops)" 0
}

guest() {
    export CK_DEFAULT_TIMEOUT=600 CK_VERBOSITY=normal
    if check_share >/tmp/said 2>&1; then
        ok "$(tail -n 1 /tmp/said) (check_share)"
    else
        while read -r line; do
            fail "check_share: $line"
        done </tmp/said
    fi
    plug in0 10.1.0.1/24
    plug out0 10.2.0.1/24
    wire tx tx0 10.1.0.11/24
    wire rx rx0 10.2.0.2/24
    for n in 12 13 14; do
        in_ns tx ip address add 10.1.0.$n/24 dev tx0
    done
    # What waits for a neighbour to be found may be overtaken by what is sent then.
    check 'the neighbour is known' in_ns tx ping -c 1 -w 60 10.1.0.1
    for engine in $ENGINES; do
        relay "$engine"
    done
}
