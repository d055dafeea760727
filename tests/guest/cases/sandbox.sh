# shellcheck shell=dash disable=SC2034,SC2154
# Filters of system calls on a kernel that is older than those of the other cases, named by
# --kernel: each thread has its own, nothing that the relay does is refused, and all is relayed.
# Such a kernel has no io_uring that can receive, so --engine auto is the other engine there.
title='filters of system calls on an old kernel'
by_hand=yes

machine() {
    cpus 2 sockets=1,cores=2,threads=1
    node 0 512 0-1
}

# filters: Seccomp of all threads but the kernel's own; one answer when all are alike.
filters() {
    for thread in /proc/"$RELAY_PID"/task/*; do
        case $(cat "$thread/comm") in
        iou-*) ;;
        *) sed -n 's/^Seccomp:\t//p' "$thread/status" ;;
        esac
    done | sort -u | xargs
}

guest() {
    veth in0 10.1.0.1/24 tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
    SENDER_ON='taskset 1'
    ok "kernel $(uname -r)"
    for engine in auto mmsg; do
        start_relay "$engine" --engine "$engine" --huge off --metrics 127.0.0.1:9100 \
            --rule '239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000' || continue
        expect "$engine: filters of its threads" "$(filters)" 2
        exactly_once "$engine" 1 50 --rate 200 239.1.1.1%tx0:5000 -- 239.2.2.2%rx0:6000
        kill -HUP "$RELAY_PID"
        check "$engine: health, after a reload" numacastctl health
        stop_relay
    done
}
