# shellcheck shell=dash disable=SC2016,SC2034,SC2154
# The two ring engines on the oldest kernel: io_uring of Linux 6.1 has no min_wait, another order of
# completions, gives back registered files late, and copies earlier; and neither engine is offered
# busy polling. The unit tests of the engines, whole, and a relay that asks for it all the same.
title='both ring engines on the oldest kernel'

machine() {
    cpus 2 sockets=1,cores=2,threads=1
    node 0 768 0-1
    nic in0 0 0
    nic tx0 - 0
}

network() {
    plug in0 10.1.0.1/24
    wire tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
}

suites() {
    # Emulated CPUs are slow; the default would be 4 s for a test.
    export CK_DEFAULT_TIMEOUT=600 CK_VERBOSITY=normal
    for suite in check_ring check_ring_recv check_ring_send check_ring_fault check_ring_random \
        check_ring_zc check_busy_poll; do
        if "$suite" >/tmp/said 2>&1; then
            ok "$(tail -n 1 /tmp/said) ($suite)"
        else
            while read -r line; do
                fail "$suite: $line"
            done </tmp/said
        fi
    done
}

# polling ENGINE OPTION...: a relay that is to poll, and what it passes on.
polling() {
    polling_engine=$1
    shift
    start_relay "$polling_engine, --busy-poll" --engine "$polling_engine" --huge off --gro off \
        --busy-poll 200 "$@" --rule '239.1.1.0/31%in0:5000 -> 239.2.2.0/31%out0:6000' || return
    exactly_once "$polling_engine, --busy-poll" 2 400 --rate 1000 239.1.1.0%tx0:5000 -- \
        239.2.2.0%rx0:6000
}

# refused ENGINE: it is said, and it relays as without.
refused() {
    polling "$1" || return
    log_says "$1: said at the start" 'shard 0: .*no_busy_poll'
    wait_for log_has 'shard 0: --busy-poll: this kernel does not offer it: '
    log_says "$1: said with the cause" 'shard 0: --busy-poll: this kernel does not offer it: '
    stop_relay
    expect "$1: microseconds in force" "$(report '.shards[0].ring.busy_poll_us')" 0
    check "$1: the errno in the report" [ "$(report '.shards[0].ring.busy_poll_errno')" -gt 0 ]
}

guest() {
    suites
    network
    for engine in $ENGINES; do
        refused "$engine"
    done
}
