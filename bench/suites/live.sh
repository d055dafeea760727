# live.sh - what a change of rules costs the datagrams that pass meanwhile, and how long changes
# take with many rules.
#
# Reloads: 64 flows in all at 50 000 datagrams a second; 48 of them stay throughout, and each reload
# takes three flows away, brings three, and changes options of three. Only what stays is received:
# of it nothing may be lost, doubled or out of order. Its latency is compared, in turn, with that of
# the same relay when nobody changes anything (untouched), and when the same is done to another
# relay beside it that no datagram comes to (another): that takes the same CPU time and the same
# locks of the kernel, and leaves the shard that is measured alone.
#
# The shard has processor 0, sender and receiver share processor 1, and control has what is left,
# which here is processor 1, too. So that neither that nor other work on the machine decides, shard,
# sender and receiver have real-time priorities: then what a change does to the shard itself is
# left. The cases called `plain' have none: there everybody waits for each other. How long a change
# has taken of one turn is the shard's own count, and `relay_p99_us' the bound of the power of two
# within which 99 of 100 datagrams went from the kernel's stamp to the send.
#
# Watched: the CPU time of the whole relay for each datagram, alone, and while one in 1000
# receptions is timed, the metrics are fetched each second and two `numacastctl top' look.
#
# Rules: as many as the limit of open files allows, two sockets each. Every figure is the time from
# a command's start to its end, as somebody who waits for it has it, so it has the start of the
# command in it; `ready' is the daemon's, from its start to where it relays. `beside' is how long
# another client waits at the longest, who asks for next to nothing meanwhile: as long as control is
# away. Control and that client have real-time priorities then.
# shellcheck shell=bash disable=SC2034,SC2154

live_columns=table,case,param,run,value
live_reloads=100
live_stay=48

live_suite() {
    local run case
    raw=$out/live-raw.csv
    echo "$live_columns" >"$raw"
    ! $quick || live_reloads=20
    for ((run = 1; run <= runs; run++)); do
        for case in untouched another reloads plain-another plain-reloads; do
            live_trial $case "$run"
        done
    done
    for ((run = 1; run <= runs; run++)); do
        live_rules "$run"
    done
    live_watched
    live_show
}

# note TABLE CASE PARAM RUN VALUE
live_note() {
    local IFS=,
    echo "$*" >>"$raw"
}

# live_configure I [NAME SIDE]: the rules after the I-th reload: 16 of 64 change places three by
# three. They go to the file NAME; the groups are those of SIDE.
live_configure() {
    awk -v n="$1" -v stay=$live_stay -v side="${3:-0}" 'BEGIN {
        for (flow = 0; flow < 64; flow++) {
            turn = flow < stay ? 2 : (flow + n) % 5
            if (turn > 0)
                printf "rule 239.%d.0.%d%%in0:5000 -> 239.%d.0.%d%%out0:6000 ttl=%d\n",
                    1 + side, flow, 2 + side, flow, turn == 1 ? 17 + n % 9 : 16
        }
    }' >"$work/${2:-live}.conf"
}

# live_start NAME SIDE: a relay with these rules and its files by that name; to live_pid.
live_start() {
    live_configure 0 "$1" "$2"
    start_on relay 0,1 "$daemon" --control off --cpus 0 --shards 1 --config "$work/$1.conf" \
        --rcvbuf 16M --latency-sample 10 --exit-report "$work/$1.json" 2>"$work/$1.log"
    live_pid=$started
    wait_ready "$live_pid" "$work/$1.log" || die "the relay does not start"
}

# live_rank PID PRIORITY [NAME]: threads of that name get a real-time priority.
live_rank() {
    local task
    for task in "/proc/$1/task"/*; do
        [[ $(cat "$task/comm") != "${3:-}"* ]] || chrt -f -p "$2" "${task##*/}" ||
            die "cannot give a real-time priority"
    done
}

# live_reload PID NAME SIDE: live_reloads times, each when the one before is done.
live_reload() {
    local i
    for ((i = 1; i <= live_reloads; i++)); do
        live_configure "$i" "$2" "$3"
        kill -HUP "$1"
        wait_for live_reload_done "$2" "$i" || die "reload $i does not end"
        sleep 0.05
    done
}

live_reload_done() {
    [ "$(grep -c 'reload: done' "$work/$1.log")" -ge "$2" ]
}

# live_trial CASE RUN
live_trial() {
    local live_pid relay another='' sender receiver ranks=(12 11 10) before
    live_start live 0
    relay=$live_pid
    if [[ $1 = *another ]]; then
        live_start another 10
        another=$live_pid
    fi
    start_on receiver 1 "$probe" recv --json --quiet --gro --rcvbuf 64M --groups $live_stay \
        --until-end --expect-flows $live_stay --duration 600 --ready-fd 3 \
        "$(group_of 2 0)%d0:6000" 3>"$work/ready" >"$work/recv.json" 2>"$work/recv.log"
    receiver=$started
    wait_up "$receiver" test -s "$work/ready" || die "the receiver does not start"
    start_on sender 1 "$probe" send --json --quiet --ttl 16 --size 200 --rate 50000 --groups 64 \
        --end-marker --duration 600 --sndbuf 8M "$(group_of 1 0)%s0:5000" \
        >"$work/send.json" 2>"$work/send.log"
    sender=$started
    if [[ $1 != plain-* ]]; then
        live_rank "$relay" "${ranks[0]}" shard
        live_rank "$receiver" "${ranks[1]}"
        live_rank "$sender" "${ranks[2]}"
    fi
    before=$(date +%s%N)
    case $1 in
    *reloads) live_reload "$relay" live 0 ;;
    *another) live_reload "$another" another 10 ;;
    *) sleep "$(calc "$live_reloads * 0.12")" ;;
    esac
    live_note reloads "$1" ms_each "$2" \
        $((($(date +%s%N) - before) / 1000000 / live_reloads))
    kill -TERM "$sender"
    wait_end "$sender"
    wait_end "$receiver"
    stop "$relay"
    [ -z "$another" ] || stop "$another"
    live_sums "$1" "$2"
}

# live_sums CASE RUN: what came of a trial.
live_sums() {
    local name
    live_note reloads "$1" "rate" "$2" "$(jq '.sent / .seconds | round' "$work/send.json")"
    for name in lost duplicated reordered; do
        live_note reloads "$1" $name "$2" "$(jq ".total.$name" "$work/recv.json")"
    done
    for name in p50 p99; do
        live_note reloads "$1" ${name}_us "$2" \
            "$(jq ".total.latency_ns.$name / 1000" "$work/recv.json")"
    done
    live_note reloads "$1" relay_p99_us "$2" "$(jq '[.. | .sends_by_us? // empty]
        | transpose | map(add) | (add * 0.99) as $most
        | reduce to_entries[] as $e ([0, 0]; if .[0] >= $most then .
            else [.[0] + $e.value, pow(2; $e.key)] end) | .[1]' "$work/live.json")"
    live_note reloads "$1" longest_change_us "$2" \
        "$(jq '[.. | .longest_change_ns? // empty] | max / 1000' "$work/live.json")"
}

# live_ratio CASE AGAINST [MOST]: the median of the ratios of p99, run by run; more than MOST is a
# fault.
live_ratio() {
    local ratio
    ratio=$(awk -F, -v what="$1" -v against="$2" "$awk_median"'
        $1 == "reloads" && $3 == "p99_us" { p99[$2 "," $4] = $5; runs[$4] }
        END {
            for (run in runs)
                if (p99[against "," run] > 0)
                    list = list " " p99[what "," run] / p99[against "," run]
            printf "%.2f", median(list)
        }' "$raw")
    printf 'p99, %s to %s: %s%s\n' "$1" "$2" "$ratio" "${3:+ (to reach: at most $3)}"
    [ -z "${3:-}" ] || [ "$(calc "(${ratio:-99} <= $3)")" = 1 ] ||
        fault "p99 with reloads is $ratio of that without, more than $3"
}

# live_most FILES: 10 000 rules, or as many as may have so many files each, with some to spare.
live_most() {
    local most=10000 limit
    limit=$(ulimit -Hn)
    ! $quick || most=1000
    [ "$limit" = unlimited ] || [ $(((limit - 1000) / $1)) -ge $most ] ||
        most=$(((limit - 1000) / $1))
    echo $most
}

# live_write FILE SIDE [CHANGED]: live_rules of them, of which none of one SIDE is of another.
live_write() {
    awk -v n="$live_rules" -v side="$2" -v changed="${3:--1}" 'BEGIN {
        for (i = 0; i < n; i++) {
            group = int(i / 250) "." i % 250 + 1
            printf "rule 239.%d.%s%%in0:5000 name=r%d -> 239.%d.%s%%out0:6000%s\n",
                10 + side, group, i, 20 + side, group, i == changed ? " ttl=9" : ""
        }
    }' >"$1"
}

# live_timed RUN WHAT COMMAND...: how long a command takes; it must succeed.
live_timed() {
    local run=$1 what=$2 before after
    shift 2
    before=$(date +%s%N)
    "$@" >"$work/answer" 2>"$work/answer.log" ||
        { fault "$what: $(tail -n 1 "$work/answer.log")"; return 0; }
    after=$(date +%s%N)
    live_note rules "$live_rules rules" "$what" "$run" $(((after - before) / 1000000))
}

# live_beside RUN WHAT COMMAND...: how long a client waits at the longest while a command runs.
live_beside() {
    local run=$1 what=$2 client
    shift 2
    start_on relay 1 chrt -f 6 "$here/answers.py" "$work/live.sock" 1.5 >"$work/longest"
    client=$started
    sleep 0.3
    "$@" >"$work/answer" 2>"$work/answer.log" ||
        fault "$what: $(tail -n 1 "$work/answer.log")"
    wait_end "$client" || fault "beside $what: no answers"
    live_note rules "$live_rules rules" "beside $what" "$run" "$(cat "$work/longest")"
}

# live_start_rules RUN: the relay with live_rules rules.
live_start_rules() {
    local before after
    live_write "$work/live.conf" 0
    before=$(date +%s%N)
    start_on relay 0 "$daemon" --control "$work/live.sock" --cpus 0 --shards 1 \
        --config "$work/live.conf" --rcvbuf 64K --sndbuf 64K --metrics 127.0.0.1:9469 \
        2>"$work/relay.log"
    relay_pid=$started
    wait_ready "$relay_pid" "$work/relay.log" || die "the relay does not start"
    after=$(date +%s%N)
    live_note rules "$live_rules rules" ready "$1" $(((after - before) / 1000000))
}

# live_rules RUN: all that is timed. To replace all takes the files of both for a moment.
live_rules() {
    local ctl=("$build/src/numacastctl" --control "$work/live.sock") live_rules path
    live_rules=$(live_most 2)
    live_start_rules "$1"
    live_timed "$1" "add one" "${ctl[@]}" add \
        "239.250.0.1%in0:5000 name=one -> 239.251.0.1%out0:6000"
    live_timed "$1" "remove it" "${ctl[@]}" remove one
    live_write "$work/live.conf" 0 77
    live_timed "$1" "reload with one changed" "${ctl[@]}" reload
    live_timed "$1" "show rules" "${ctl[@]}" show rules
    live_timed "$1" "show flows as JSON" "${ctl[@]}" show flows --json
    chrt -f -p 5 "$relay_pid" || die "cannot give a real-time priority"
    for path in status.json plan.svg metrics; do
        live_beside "$1" "$path" in_ns relay curl -s "http://127.0.0.1:9469/$path"
    done
    live_beside "$1" top "${ctl[@]}" top --count 2
    live_beside "$1" "show rules" "${ctl[@]}" show rules
    stop "$relay_pid"
    live_rules=$(live_most 4)
    live_start_rules "$1"
    live_write "$work/live.conf" 1
    live_timed "$1" "replace all" "${ctl[@]}" reload
    stop "$relay_pid"
}

# live_watched: singles and trains, alone and watched in turn.
live_watched() {
    local run case shape relay usual=$raw
    raw=$out/live-watched-raw.csv
    echo "$raw_columns" >"$raw"
    for ((run = 1; run <= runs; run++)); do
        for shape in singles trains; do
            for case in alone watched; do
                load_set rate=50000 seconds=$seconds_of_watching
                [ $shape = singles ] || load_set gso=40 rate=400000 seconds=$seconds_of_watching
                relay=uring
                if [ $case = watched ]; then
                    load[control]=$work/live.sock
                    relay="uring:--latency-sample 1000 --metrics 9469"
                    live_watch
                fi
                measure $shape $case "${load[rate]}" "$run" "$relay"
                [ $case = alone ] || live_look_away
            done
        done
    done
    summarise "$raw" >"$out/live-watched.csv"
    raw=$usual
}
seconds_of_watching=5

# live_watch: who looks, on the other processor; each tries until there is a relay.
live_watch() {
    local i
    watchers=()
    for i in 1 2; do
        start_on relay 1 "$build/src/numacastctl" --control "$work/live.sock" top \
            >"$work/top-$i" 2>&1
        watchers+=("$started")
    done
    start_on relay 1 bash -c 'while sleep 1; do curl -s http://127.0.0.1:9469/metrics; done' \
        >"$work/scraped" 2>&1
    watchers+=("$started")
}

live_look_away() {
    local pid
    grep -q numacast_build_info "$work/scraped" || fault "watched: nothing was scraped"
    [ -s "$work/top-1" ] || fault "watched: top has shown nothing"
    for pid in "${watchers[@]}"; do
        dead "$pid" || stop "$pid"
    done
}

live_show() {
    printf '\nReloads: %s over 64 flows at 50 000/s, what stays; medians\n' "$live_reloads"
    live_medians reloads
    live_ratio reloads untouched 1.5
    live_ratio reloads another
    live_ratio plain-reloads plain-another
    printf '\nMany rules: milliseconds; medians\n'
    live_medians rules
    show "$out/live-watched.csv" singles cpu_ns "singles: ns of the relay per datagram"
    show "$out/live-watched.csv" trains cpu_ns "trains of 40: ns of the relay per datagram"
}

# live_medians TABLE: parameters down, cases across.
live_medians() {
    awk -F, -v table="$1" "$awk_median"'
    NR > 1 && $1 == table { key = $3 "," $2; list[key] = list[key] " " $5
        if (!(key in seen)) { seen[key] = 1; keys[++n] = key } }
    END { print "table,case,param,value"
        for (i = 1; i <= n; i++) {
            split(keys[i], key_parts, ",")
            print table "," key_parts[2] "," key_parts[1] "," median(list[keys[i]])
        }
    }
    ' "$raw" >"$work/live.csv"
    pivot "$work/live.csv" "$1" value | tee "$out/live-$1.csv" | print_csv
}
