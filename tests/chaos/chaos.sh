# chaos.sh - what happens to a relay by a seed, and who judges it. For stories that source story.sh.
#
#   chaos_topo                   # src:s0,s9 --- in0,in9:mid:out1..out4 --- d0:dst1..dst4
#   chaos SEED SECONDS [MODE]
#
# Behind out1 nothing is ever wrong, out2 loses its link, out3 is throttled, the MTU of out4
# changes; in9 loses its link, all else comes by in0. events.py says what happens when, judge.py
# compares what receivers and reports tell. $chaos is the directory that it all lies in.
# shellcheck shell=bash disable=SC2034,SC2154
chaos_top=$src_top/tests/chaos
ctl=$build_top/src/numacastctl
. "$src_top/tests/net/lib/clock.sh"
relay_control=$work/control
export NUMACAST_CONTROL=$relay_control

chaos_topo() {
    local n
    topo_star 4
    wire 9 src s9 mid in9
    for n in 1 2 3 4; do
        in_ns "dst$n" sysctl -qw net.ipv6.conf.d0.keep_addr_on_down=1
    done
    in_ns mid tc qdisc add dev out3 root tbf rate 400mbit burst 20000 limit 300000 ||
        fail_now "no tbf here"
}

# ---- what is relayed ----

# configure VARIANT: the rules as the next process, or the next reload, has them. What is judged is
# always there; where it is relayed, into which buffers, and what else is there differ.
configure() {
    local v=$1 n=0 name in out
    while read -r name in out; do
        printf 'rule %s name=%s%s -> %s\n' "$in" "$name" "$(varied "$name" $((v >> n)))" \
            "$out"
        n=$((n + 2))
    done >"$chaos/conf.new" <<-END
	a 239.1.1.1%in0:5000 $(behind 239.2.1.1 1 2 3 4)
	b [ff1e::1%in0]:5000 [ff1e::2:1%out1]:6000, [ff1e::2:1%out2]:6000 gso=off
	c 239.1.1.3%in0:5000 239.2.1.3%out1:6000, 239.2.1.3%out4:6000
	u 10.77.1.2:7000 239.2.1.4%out1:6000
	w 239.1.1.5%in9:5000 239.2.1.5%out1:6000
	f 239.1.1.9%in0:5000 239.2.1.9%out1:6000
	END
    if [ $((v & 1)) -ne 0 ]; then
        echo "rule 239.1.2.0/28%in0:5000 -> 239.2.2.0/28%out1:6000"
    fi >>"$chaos/conf.new"
    mv "$chaos/conf.new" "$chaos/conf"
}

# behind GROUP LINK...: outputs to it behind these links, singles where what is lost is compared
# with what the kernel counts.
behind() {
    local link list=''
    for link in "${@:2}"; do
        list+="${list:+, }$1%out$link:6000"
        [[ $link = [14] ]] || list+=" gso=off"
    done
    echo "$list"
}

# varied NAME BITS: options of an ingress by the lowest two. The first three also go to buffers in
# which trains are received no more, and so to another socket, where that is to be.
varied() {
    case $1$(($2 & 3)) in
    ?0) ;;
    ?1) echo " shard=0" ;;
    [abc]2) [ "$mode" = cut ] && echo " shard=2 gro=off" || echo " shard=2" ;;
    [uwf]2) echo " shard=2" ;;
    ?3) echo " shard=1" ;;
    esac
}

# offer NAME ARGUMENT...: a sender of the rule NAME; what it sent is in $chaos/sent/NAME.N.json.
offer() {
    local name=$1 file
    shift
    offered=$((offered + 1))
    file=$chaos/sent/$name.$offered.json
    start_in src "$probe" send --quiet --json --no-loop "$@" >"$file" 2>>"$work/send.log"
    senders+=("$started")
}

# offer_all LIMIT...: to every rule but that of floods.
offer_all() {
    local size=(--size 64-1400 --seed "$seed" --max-lag 0)
    offer a 239.1.1.1%s0:5000 --rate 1500 "${size[@]}" "$@"
    offer b "[ff1e::1%s0]:5000" --rate 800 "${size[@]}" "$@"
    offer c 239.1.1.3%s0:5000 --rate 2000 --gso 8 --size 1000 --max-lag 0 "$@"
    offer u 10.77.1.2:7000 --rate 500 "${size[@]}" "$@"
    offer w 239.1.1.5%s9:5000 --rate 500 "${size[@]}" "$@"
}

# offers_end [SIGNAL]: waits for all senders, those of floods first; the others may be told to end.
offers_end() {
    local pid
    for pid in "${floods[@]}" "${senders[@]}"; do
        [[ -z ${1:-} || " ${floods[*]} " = *" $pid "* ]] || kill "-$1" "$pid" 2>/dev/null
        wait_for dead "$pid" || fail "a sender does not end"
        wait_end "$pid" || fail "a sender failed: $(tail -n 3 "$work/send.log")"
    done
    senders=() floods=()
}

# flood COUNT: as fast as can be.
flood() {
    offer f 239.1.1.9%s0:5000 --rate unlimited --burst 256 --size 100 --count "$1"
    floods+=("$started")
    unset 'senders[-1]'
}

# ---- the process, or one after the other ----

readies() {
    grep -c 'ready$' "$daemon_log"
}

# is_next: whether one more is ready.
is_next() {
    [ "$(readies)" -gt "$ready" ]
}

# is_kept: whether the manager has the sockets of all rules that are judged, where there is one.
is_kept() {
    [ "$mode" = bare ] || [ "$(grep -c '^n1-' "$chaos/store/kept")" -ge 6 ]
}

next_is_ready() {
    wait_up "$manager" is_next || fail_now "no process comes"
    wait_for is_kept || fail_now "the manager does not keep its sockets"
    ready=$(readies)
    [ "$mode" = bare ] || daemon_pid=$(cat "$chaos/store/pid")
}

# daemon_start: under a manager that starts it again, or bare.
daemon_start() {
    local words=(--engine "$ENGINE" --control "$relay_control" --exit-report "$chaos/last.json"
        --metrics 127.0.0.1:9469 "${relay_extra[@]}" --shards 3 --oversubscribe --rcvbuf 64M
        --config "$chaos/conf")
    if [ "$mode" = bare ]; then
        start_in mid "${clock_wrapper[@]}" "$daemon" "${words[@]}" 2>>"$daemon_log"
        daemon_pid=$started manager=$started
    else
        start_in mid python3 "$src_top/tests/net/lib/store.py" "$chaos/store" \
            "${clock_wrapper[@]}" "$daemon" "${words[@]}" 2>>"$daemon_log"
        manager=$started
    fi
    next_is_ready
}

# keep_report: that of the process that has ended in order.
keep_report() {
    reports=$((reports + 1))
    report=$chaos/report/$reports.json
    mv "$chaos/last.json" "$report" 2>/dev/null || fail "a process has left no report"
    report_check >>"$chaos/checks" || fail "the sums of $report do not agree"
}

# end_process SIGNAL: it ends by that, and another one takes its place.
end_process() {
    kill "-$1" "$daemon_pid"
    kill -CONT "$daemon_pid" 2>/dev/null
    stopped=
    if [ "$mode" = bare ]; then
        wait_for dead "$daemon_pid" || fail_now "numacastd does not end"
        wait_end "$daemon_pid"
        daemon_start
    else
        next_is_ready
    fi
    [ "$1" = KILL ] || keep_report
}

# ---- what happens ----

# aside COMMAND...: beside the events that follow; how it ends is nobody's concern.
aside() {
    start "$@" >>"$chaos/aside" 2>&1
}

# shard_thread NUMBER: its id, or nothing.
shard_thread() {
    local comm
    comm=$(grep -lx "shard-$1" /proc/"$daemon_pid"/task/*/comm 2>/dev/null)
    [ -z "$comm" ] || basename "${comm%/comm}"
}

happen() {
    case $1 in
    link-down) in_ns dst2 ip link set d0 down ;;
    link-up) in_ns dst2 ip link set d0 up ;;
    ingress-down) in_ns mid ip link set in9 down ;;
    ingress-up) in_ns mid ip link set in9 up ;;
    stop) kill -STOP "$daemon_pid" && stopped=$daemon_pid ;;
    continue) [ -z "$stopped" ] || kill -CONT "$stopped" 2>/dev/null ;;
    stall) aside python3 "$chaos_top/stall.py" "$(shard_thread "$2")" "$3" ;;
    throttle) in_ns mid tc qdisc change dev out3 root tbf rate 1mbit burst 20000 limit 300000 ;;
    unthrottle) in_ns mid tc qdisc change dev out3 root tbf rate 400mbit burst 20000 limit 300000 ;;
    mtu) in_ns mid ip link set out4 mtu "$2" ;;
    mtu-again) in_ns mid ip link set out4 mtu 1500 ;;
    reload) configure "$2" && kill -HUP "$daemon_pid" ;;
    rebalance) aside "$ctl" --timeout 5 rebalance --window 0.2 ;;
    flood) flood "$2" ;;
    clock) clock_set 0 "$2" ;;
    look)
        aside "$ctl" --timeout 5 show flows --json
        aside ip netns exec "$(ns mid)" curl -s -m 5 http://127.0.0.1:9469/metrics
        ;;
    restart) end_process TERM ;;
    kill) end_process KILL ;;
    mode) ;;
    *) fail "nobody knows what $1 is" ;;
    esac
}

now_ms() {
    local us=${EPOCHREALTIME/./}
    echo $((us / 1000 - began_ms))
}

# unroll: what events.py says, at its time or as soon as what came before it is done.
unroll() {
    local at what late
    began_ms=0
    began_ms=$(now_ms)
    while read -r at what; do
        late=$(($(now_ms) - at))
        [ "$late" -ge 0 ] || sleep "$(printf '0.%03d' $((-late % 1000)))"
        printf '%6d.%03d s  %s\n' $((at / 1000)) $((at % 1000)) "$what"
        # shellcheck disable=SC2086 # it is words
        happen $what
    done <"$chaos/events"
}

# whole: whether nothing is broken any more, as the relay has it.
whole() {
    "$ctl" show flows --json >"$chaos/flows" 2>>"$chaos/aside" &&
        "$ctl" show outputs --json >"$chaos/outputs" 2>>"$chaos/aside" &&
        jq -se '[.[] | (.flows // .outputs)[] | .state] | all(. == "live")' \
            "$chaos/flows" "$chaos/outputs" >/dev/null
}

# wire_drops: what the kernel has dropped at both ends of the wires that lose their link.
wire_drops() {
    echo "out2 $(dropped mid out2 tx) $(dropped dst2 d0 rx)"
    echo "in9 $(dropped src s9 tx) $(dropped mid in9 rx)"
}
dropped() {
    in_ns "$1" cat "/sys/class/net/$2/statistics/$3_dropped"
}

# chaos SEED SECONDS [MODE]
chaos() {
    local again
    seed=$1 chaos=$work/chaos-$1 offered=0 ready=0 reports=0 stopped='' senders=() floods=()
    mkdir -p "$chaos/sent" "$chaos/sink" "$chaos/report" "$chaos/store"
    python3 "$chaos_top/events.py" "$@" >"$chaos/events" || fail_now "there are no events"
    mode=$(awk '$2 == "mode" { print $3 }' "$chaos/events")
    again="tests/chaos/run --seed $seed --seconds $2${3:+ --mode $3} --engine $ENGINE"
    echo "seed $seed: $(grep -vc mode "$chaos/events") events in $2 s, $mode; once more: $again"
    : >"$daemon_log"
    clock_set 0 0
    configure 0
    sinks_start
    daemon_start
    wire_drops >"$chaos/wire.before"
    offer_all --duration 600
    unroll
    wait_for whole || fail "what was mended is not whole: $(jq -c \
        '(.flows // .outputs)[] | select(.state != "live")' "$chaos/flows" "$chaos/outputs")"
    offers_end TERM
    relay_settle
    # Whatever was, what comes now is relayed.
    mkdir "$chaos/calm"
    offer_calm
    relay_settle
    wait_for queue_empty mid out3 || fail "the queue of out3 does not drain"
    sinks_stop
    wire_drops >"$chaos/wire"
    kill -TERM "$manager"
    wait_for dead "$manager" || fail_now "numacastd does not end"
    wait_end "$manager"
    keep_report
    expect_cmp "reads of the clock of the day" "$(clock_reads)" -gt 0
    [ -z "${CHAOS_KEEP:-}" ] || cp -r "$chaos" "$daemon_log" "$CHAOS_KEEP"
    python3 "$chaos_top/judge.py" "$chaos" || fail "seed $seed; once more: $again"
}

# offer_calm: so many that a loss shows, and to every rule.
offer_calm() {
    local first=$((offered + 1))
    offer_all --count 200
    offer f 239.1.1.9%s0:5000 --rate 1000 --count 200
    offers_end
    seq "$first" "$offered" >"$chaos/calm/numbers"
}

sinks_start() {
    local n targets
    for n in 1 2 3 4; do
        targets=(239.2.1.1%d0:6000)
        case $n in
        1) targets+=("[ff1e::2:1%d0]:6000" 239.2.1.3%d0:6000 239.2.1.4%d0:6000 239.2.1.5%d0:6000 \
            239.2.1.9%d0:6000) ;;
        2) targets+=("[ff1e::2:1%d0]:6000") ;;
        4) targets+=(239.2.1.3%d0:6000) ;;
        esac
        recv_start "sink$n" "dst$n" --rcvbuf 64M "${targets[@]}"
    done
}

sinks_stop() {
    local n
    for n in 1 2 3 4; do
        recv_stop "sink$n"
        cp "$work/sink$n.json" "$chaos/sink/$n.json"
    done
}
