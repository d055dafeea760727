# spread.sh - eight senders of each family, and flows divided over 1, 2, 4 and 8 shards. For stories
# that source story.sh.
#
# The flows are called KIND-K: m4 and m6 are multicast, u4 and u6 unicast, K the shards. Each sender
# has an address of its own and sends four flows, from four ports, to each.
# shellcheck shell=bash disable=SC2034,SC2154
spread_ks=(1 2 4 8)
spread_kinds=(m4 m6 u4 u6)
spread_sources=(1 2 3 4 5 6 7 8)
rules=()    # by spread_rules
targets4=() # where senders of a family send to
targets6=()
sinks=()    # where all of it comes out

# spread_cpus: two CPUs that may be used here, or the only one.
spread_cpus() {
    taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' |
        awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }' | head -n 2
}

# spread_topo: topo_line, with the senders' addresses.
spread_topo() {
    local i k
    topo_line
    for i in "${spread_sources[@]}"; do
        in_ns src ip addr add "10.77.1.1$i/24" dev s0
        in_ns src ip -6 addr add "fd77:1::1$i/64" dev s0 nodad
    done
    for k in "${spread_ks[@]}"; do
        targets4+=("239.1.1.$k%s0:5000" "10.77.1.2%s0:510$k")
        targets6+=("[ff3e::1:$k%s0]:5000" "[fd77:1::2%s0]:510$k")
        sinks+=("239.2.1.$k%d0:6000" "[ff3e::2:$k%d0]:6000")
        sinks+=("239.2.2.$k%d0:6000" "[ff3e::3:$k%d0]:6000")
    done
}

# spread_rules OPTIONS: the rules, with these options of the ingress, in one word.
spread_rules() {
    local k how
    rules=()
    for k in "${spread_ks[@]}"; do
        how="spread=$k by=source $1"
        rules+=(--rule "239.1.1.$k%in0:5000 name=m4-$k $how -> 239.2.1.$k%out0:6000"
            --rule "[ff3e::1:$k%in0]:5000 name=m6-$k $how -> [ff3e::2:$k%out0]:6000"
            --rule "10.77.1.2%in0:510$k name=u4-$k $how -> 239.2.2.$k%out0:6000"
            --rule "[fd77:1::2%in0]:510$k name=u6-$k $how -> [ff3e::3:$k%out0]:6000")
    done
}

# spread_send ARGUMENT...: all senders at once, to their end.
spread_send() {
    local i pid pids=() args=(send --quiet --no-loop --flows 4 "${send_extra[@]}" "$@")
    for i in "${spread_sources[@]}"; do
        start_in src "$probe" "${args[@]}" --source "10.77.1.1$i" "${targets4[@]}" \
            >>"$work/sent.out" 2>>"$work/send.log"
        pids+=("$started")
        start_in src "$probe" "${args[@]}" --source "fd77:1::1$i" "${targets6[@]}" \
            >>"$work/sent.out" 2>>"$work/send.log"
        pids+=("$started")
    done
    for pid in "${pids[@]}"; do
        wait_for dead "$pid" || fail "a sender does not end"
        wait_end "$pid" || fail "a sender failed: $(tail -n 3 "$work/send.log")"
    done
}

# spread_share KIND I K: whose share sender I is: the rule as the manual has it, in other words than
# the program's.
spread_share() {
    local x
    case $1 in
    ?4) x=$((10 << 24 | 77 << 16 | 1 << 8 | (10 + $2))) ;;
    ?6) x=$((0xfd770001 ^ 0x1$2)) ;;
    esac
    echo $((((x * 2654435761 & 0xffffffff) >> 16) % $3))
}

# spread_of RULE FIELD: a field of each share of a rule, in order.
spread_of() {
    reported "[.rules[] | select(.rule == \"$1\") | .flows | sort_by(.spread.share) | .[].$2]
        | join(\" \")"
}

# spread_expect COUNT: each share has received COUNT datagrams of each of its senders' flows, and
# the kernel lost none.
spread_expect() {
    local kind k i counts
    for kind in "${spread_kinds[@]}"; do
        for k in "${spread_ks[@]}"; do
            counts=()
            for ((i = 0; i < k; i++)); do
                counts[i]=0
            done
            for i in "${spread_sources[@]}"; do
                ((counts[$(spread_share "$kind" "$i" "$k")] += 4 * $1))
            done
            expect "$kind over $k: received by each share" "$(spread_of "$kind-$k" received)" \
                "${counts[*]}"
        done
    done
    expect "lost by the kernel" "$(reported .totals.kernel_drops)" 0
}

# spread_all COUNT: how many datagrams are sent when each flow has COUNT.
spread_all() {
    echo $((${#spread_sources[@]} * 4 * ${#spread_kinds[@]} * ${#spread_ks[@]} * $1))
}
