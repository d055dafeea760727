# relays.sh - the relays that are compared, each started and stopped by name.
#
#   uring, mmsg              numacastd, with its default flags but for the engine
#   uring-singles, ...       the same without trains; mmsg-singles is what everybody could write:
#                            epoll, recvmmsg, sendmmsg. It is called the baseline.
#   socat, multicat          Debian's packages, one process for one group
#   smcroute                 the kernel forwards, smcroute only tells it what: no rewriting
#   floor                    bench/floor_relay: what the sockets' own calls cost, and nothing else
#
# A name may carry flags after a colon: `uring:--batch-wait 50'. Every relay runs on processor 0.
# shellcheck shell=bash disable=SC2034,SC2154

relay_pid=
relay_kind=

# relay_known NAME: whether it can run here.
relay_known() {
    case $1 in
    smcroute*) have smcrouted ;;
    socat | multicat) have "$1" ;;
    *) return 0 ;;
    esac
}

# relay_flags NAME: the command line of numacastd, one word a line.
relay_flags() {
    local engine=${1%%[-:]*}
    printf '%s\n' --engine "$engine"
    [[ $1 != *-singles* ]] || printf '%s\n' --gro off --gso off
    [[ $1 != *:* ]] || tr ' ' '\n' <<<"${1#*:}"
}

# relay_start NAME GROUPS OUTPUTS: returns when it relays; 1 when it cannot.
relay_start() {
    relay_kind=$1
    case $1 in
    socat) start_socat ;;
    multicat) start_multicat ;;
    smcroute*) start_smcroute "$2" ;;
    floor) start_floor ;;
    *) start_numacast "$@" ;;
    esac
}

# prefix_of COUNT: the length of the prefix that holds so many groups.
prefix_of() {
    local bits=32 count=1
    while [ "$count" -lt "$1" ]; do
        count=$((count * 2))
        bits=$((bits - 1))
    done
    echo $bits
}

# rule_for GROUPS OUTPUTS: every output gets its own range of groups.
rule_for() {
    local output length outputs=()
    length=$(prefix_of "$1")
    for ((output = 0; output < $2; output++)); do
        outputs+=("$(group_of 2 $((output * $1)))/$length%${load[out]}:6000")
    done
    local IFS=,
    echo "$(group_of 1 0)/$length%in0:5000 -> ${outputs[*]}"
}

# group_of SIDE NUMBER: side 1 is what is sent, 2 what is relayed.
group_of() {
    echo "239.$1.$(($2 / 256)).$(($2 % 256))"
}

start_numacast() {
    local flags
    mapfile -t flags < <(relay_flags "$1")
    [ -z "$bench_node" ] || flags+=(--bench-node "$bench_node")
    rm -f "$work/report.json"
    start_on relay "${load[relay_cpus]}" "$daemon" --control "${load[control]:-off}" --cpus 0 \
        --shards 1 "${flags[@]}" \
        --exit-report "$work/report.json" --rule "${load[rule]:-$(rule_for "$2" "$3")}" \
        2>"$work/relay.log"
    relay_pid=$started
    wait_ready "$relay_pid" "$work/relay.log" || relay_refused
}

relay_refused() {
    say "$relay_kind does not start: $(tail -n 1 "$work/relay.log")"
    dead "$relay_pid" || stop "$relay_pid"
    return 1
}

# joined GROUP_HEX: whether in0 is a member, as /proc/net/igmp writes it.
joined() {
    in_ns relay grep -q "$1" /proc/net/igmp
}

start_socat() {
    local from=UDP4-RECV:5000,bind=239.1.0.0,ip-add-membership=239.1.0.0:in0,rcvbuf-late=4194304
    local to=UDP4-DATAGRAM:239.2.0.0:6000,ip-multicast-if=10.88.2.1,ip-multicast-ttl=16
    start_on relay 0 "${strace[@]}" socat -u -b65507 "$from" "$to,sndbuf-late=4194304" \
        2>"$work/relay.log"
    relay_pid=$started
    wait_up "$relay_pid" joined 000001EF || relay_refused
}

# multicat cuts what it relays into payloads of the size it was told.
start_multicat() {
    start_on relay 0 "${strace[@]}" multicat -u -U -m "${load[size]##*-}" \
        @239.1.0.0:5000/ifaddr=10.88.1.2 239.2.0.0:6000/ifaddr=10.88.2.1/ttl=16 \
        >"$work/relay.log" 2>&1
    relay_pid=$started
    wait_up "$relay_pid" joined 000001EF || relay_refused
}

start_floor() {
    start_on relay 0 "$build/bench/floor_relay" "$(group_of 1 0)" 5000 in0 "$(group_of 2 0)" 6000 \
        out0 >"$work/report.json" 2>"$work/relay.log"
    relay_pid=$started
    wait_up "$relay_pid" grep -q ready "$work/relay.log" || relay_refused
}

# Routes with a source and one group are entered at once; others only when the first datagram has
# come.
start_smcroute() {
    local group
    {
        printf 'phyint %s enable\n' in0 out0
        for ((group = 0; group < $1; group++)); do
            echo "mroute from in0 source 10.88.1.1 group $(group_of 1 $group) to out0"
        done
    } >"$work/smcroute.conf"
    [ "$relay_kind" != smcroute-steered ] || net_steer 1
    start_on relay 0 smcrouted -n -N -i "numacast-bench$$" -f "$work/smcroute.conf" \
        -P "$work/smcroute.pid" -u "$work/smcroute.sock" 2>"$work/relay.log"
    relay_pid=$started
    wait_up "$relay_pid" routed "$1" || relay_refused
}

routed() {
    [ "$(in_ns relay ip mroute | grep -c 'Oifs: out0')" -ge "$1" ]
}

# relay_stop: ends it; numacastd leaves its report in $work/report.json. A program that strace runs
# ends first, and strace then tells what it counted.
relay_stop() {
    local child
    if [ ${#strace[@]} -gt 0 ]; then
        read -r child <"/proc/$relay_pid/task/$relay_pid/children"
        kill "$child" && wait_end "$relay_pid"
    else
        stop "$relay_pid"
    fi
    [ "$relay_kind" != smcroute-steered ] || net_steer 0
    relay_pid=
}
