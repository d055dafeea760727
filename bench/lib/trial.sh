# trial.sh - one measurement: a relay, a sender, a receiver, and what each of them spent.
#
# The relay is new in each trial. Its CPU time is what the scheduler charged its threads, to the
# nanosecond (/proc/PID/task/*/schedstat); work that the kernel moves from a busy processor to its
# ksoftirqd thread is added to whoever runs on that processor. The relay has processor 0, sender and
# receiver share processor 1.
#
# What to send stands in the array `load'; results go to the array `got' and, by measure, as one
# line to the raw file.
# shellcheck shell=bash disable=SC2034,SC2154

declare -A load got
profile=    # where perf records processor 0 during a trial; empty: it does not
profile_of= # process ids whose samples count
disturbed_most=4 # % that is not worth a repetition

# load_set NAME=VALUE...: the defaults and what differs from them.
load_set() {
    local pair
    load=([size]=1316 [gso]=1 [cut]=off [frames]=off [rate]=unlimited [groups]=1 [outputs]=1
        [seconds]=$seconds [receiver]=probe [relay_cpus]=0 [out]=out0)
    for pair in "$@"; do
        load[${pair%%=*}]=${pair#*=}
    done
}

# spent_ns PID: CPU time of all threads of a process so far.
spent_ns() {
    cat /proc/"$1"/task/*/schedstat 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# waited_ns PID: how long its threads were ready to run, and did not because others did.
waited_ns() {
    cat /proc/"$1"/task/*/schedstat 2>/dev/null | awk '{ sum += $2 } END { printf "%.0f\n", sum }'
}

# softirq_ns CPU: CPU time of the kernel's own thread there.
softirq_ns() {
    awk '{ print $1 }' "/proc/${ksoftirqd[$1]}/schedstat"
}

# find_ksoftirqd: fills ksoftirqd[CPU] with process ids.
find_ksoftirqd() {
    local comm name
    for comm in /proc/[0-9]*/comm; do
        read -r name 2>/dev/null <"$comm" || continue
        if [[ $name == ksoftirqd/[01] ]]; then
            comm=${comm#/proc/}
            ksoftirqd[${name#*/}]=${comm%/comm}
        fi
    done
    [ ${#ksoftirqd[@]} -eq 2 ] || die "cannot find ksoftirqd/0 and ksoftirqd/1: two CPUs are needed"
}

declare -A ksoftirqd

# trial RELAY: runs it under `load', fills `got'. 1 when the relay cannot do this.
trial() {
    local relay=$1 before waited soft0 soft1
    got=()
    relay_kind=$1
    net_cut "${load[cut]}"
    relay_start "$relay" "${load[groups]}" "${load[outputs]}" || return 1
    [ "${load[receiver]}" = none ] || receiver_start "$relay"
    before=$(spent_ns "$relay_pid")
    waited=$(waited_ns "$relay_pid")
    soft0=$(softirq_ns 0)
    soft1=$(softirq_ns 1)
    got[bytes]=$(net_bytes)
    got[packets]=$(net_packets)
    profile_start
    send_load
    profile_end
    if [ "${load[receiver]}" = none ]; then
        sleep 0.1
    else
        receiver_end
    fi
    got[bytes]=$(($(net_bytes) - got[bytes]))
    got[packets]=$(($(net_packets) - got[packets]))
    got[relay_ns]=$(($(spent_ns "$relay_pid") - before + $(softirq_ns 0) - soft0))
    got[waited_ns]=$(($(waited_ns "$relay_pid") - waited))
    got[soft1_ns]=$(($(softirq_ns 1) - soft1))
    relay_stop
    trial_sums
}

profile_start() {
    [ -n "$profile" ] || return 0
    profile_of+=,$relay_pid
    start taskset -c 1 perf record -q -e cpu-clock -F 4000 -C 0 -o "$profile" \
        >"$work/perf.log" 2>&1
    profiler=$started
    sleep 0.3
}

profile_end() {
    [ -z "$profile" ] || stop "$profiler" INT
}

# Flows that nobody rewrites arrive in the group they were sent to.
receiver_start() {
    local target
    target="$(group_of 2 0)%d0:6000"
    [[ $1 != smcroute* ]] || target="$(group_of 1 0)%d0:5000"
    start_on receiver 1 "$probe" recv --json --quiet --gro --no-verify --rcvbuf 64M \
        --groups $((load[groups] * load[outputs])) --idle "$idle" --duration 600 \
        --ready-fd 3 "$target" 3>"$work/ready" >"$work/recv.json" 2>"$work/recv.log"
    receiver_pid=$started
    wait_up "$receiver_pid" test -s "$work/ready" ||
        die "the receiver does not start: $(tail -n 1 "$work/recv.log")"
}

receiver_end() {
    wait_end "$receiver_pid"
}

# The sender's whole CPU time is what its shell's children used: bash gives it to the microsecond.
send_load() {
    local TIMEFORMAT='%3U %3S' shape=(--gso "${load[gso]}" --sndbuf 8M)
    [ "${load[frames]}" = off ] || shape=(--frames --burst 32)
    { time in_ns sender taskset -c 1 timeout 600 "$probe" send --json --quiet --ttl 16 \
        --size "${load[size]}" "${shape[@]}" --rate "${load[rate]}" \
        --groups "${load[groups]}" --duration "${load[seconds]}" \
        "${load[to]:-$(group_of 1 0)%s0:5000}" >"$work/send.json" 2>"$work/send.log"; } \
        2>"$work/send.time" ||
        fault "the sender fails: $(tail -n 1 "$work/send.log")"
}

# take NAME...: reads one line of that many words into `got'.
take() {
    local name words i=0
    read -r -a words
    for name in "$@"; do
        got[$name]=${words[i++]:-0}
    done
}

# trial_sums: from files to figures. Datagrams are counted at the far end, over all outputs.
trial_sums() {
    local header
    take sent send_s < <(jq -r '"\(.sent) \(.seconds)"' "$work/send.json")
    got[sender_ns]=$(awk -v soft="${got[soft1_ns]}" \
        '{ printf "%.0f\n", ($1 + $2) * 1e9 + soft }' "$work/send.time")
    got[expected]=$((got[sent] * load[outputs]))
    if [ "${load[receiver]}" = none ]; then
        # The headers of a train count once. Only where no relay makes trains of singles, or takes
        # trains apart, is this exact; numacastd's own count replaces it below.
        header=$(calc "42 / (\"${load[cut]}\" == \"on\" ? 1 : ${load[gso]})")
        got[received]=${got[packets]}
        [ "${load[frames]}" = on ] ||
            got[received]=$(calc "int(${got[bytes]} / (${load[size]} + $header))")
        got[seconds]=${got[send_s]}
        take duplicated reordered p50_ns p99_ns p999_ns <<<"0 0 0 0 0"
    else
        take received seconds duplicated reordered p50_ns p99_ns p999_ns < <(jq -r '.total |
            "\(.unique) \(.seconds) \(.duplicated) \(.reordered) " +
            "\(.latency_ns.p50 // 0) \(.latency_ns.p99 // 0) \(.latency_ns["p99.9"] // 0)"' \
            "$work/recv.json")
    fi
    got[syscalls]=0 got[relayed]=${got[received]}
    case $relay_kind in
    uring* | mmsg* | floor)
        take syscalls relayed < <(jq -r '"\([.shards[].ring.syscalls] | add) \(.totals.sent)"' \
            "$work/report.json")
        [ "${load[receiver]}" != none ] || got[received]=${got[relayed]}
        ;;
    esac
}

# trial_disturbance: % of the time that other work on the machine took from the relay, or from a
# sender that had its processor to itself and nothing to wait for, whichever is more.
trial_disturbance() {
    local idle=0
    if [ "${load[receiver]}" = none ] && [ "${load[rate]}" = unlimited ]; then
        idle="1 - ${got[sender_ns]} / 1e9 / ${got[send_s]}"
    fi
    awk "BEGIN { w = ${got[waited_ns]} / 1e9 / ${got[send_s]}; s = $idle
        printf \"%.1f\", 100 * (w > s ? w : s) }"
}

# The columns of a raw file: where a trial belongs, and what of `got' is kept (figures.py).
raw_kept=(sent expected received duplicated reordered seconds relayed relay_ns sender_ns syscalls
    p50_ns p99_ns p999_ns load disturbed)
raw_columns=table,case,param,run$(printf ',%s' "${raw_kept[@]}")

# trial_line TABLE CASE PARAM RUN: the last trial as a line of the raw file.
trial_line() {
    local name line=$1,$2,$3,$4
    read -r "got[load]" _ </proc/loadavg
    got[disturbed]=$(trial_disturbance)
    for name in "${raw_kept[@]}"; do
        line+=,${got[$name]}
    done
    echo "$line"
}

# measure TABLE CASE PARAM RUN RELAY: records a trial; one that is impossible is a fault. A trial
# that was disturbed is repeated, a few times at most; the least disturbed one counts.
measure() {
    local line best='' least=1000 attempt disturbed
    relay_known "$5" || return 0
    for ((attempt = 0; attempt < attempts; attempt++)); do
        if ! trial "$5"; then
            fault "$1: $2 with $3 could not be measured"
            return 0
        fi
        line=$(trial_line "$1" "$2" "$3" "$4")
        disturbed=${line##*,}
        if [ "$(calc "($disturbed < $least)")" = 1 ]; then
            best=$line
            least=$disturbed
        fi
        [ "$(calc "($least > $disturbed_most)")" = 1 ] || break
    done
    echo "$best" >>"$raw"
}
