# shellcheck shell=dash disable=SC2034,SC2086
# 10 000 rules at once, which take more open files than most machines give a test: the start, a rule
# that is added, one that is changed, 500 that are replaced (all of them would take minutes
# here), and what shows them. The times are printed beside what is wanted of a real machine, and
# judge nothing: this one is emulated.
title='ten thousand rules'

machine() {
    cpus 2 sockets=1,cores=2,threads=1
    node 0 1536 0-1
}

count=10000
conf=/tmp/many.conf
socket=/tmp/many.sock

# rules REPLACED CHANGED: the configuration; the last REPLACED rules are others than usual, and rule
# CHANGED has a ttl= of its own; -1: none.
rules() {
    awk -v n=$count -v replaced="$1" -v changed="$2" 'BEGIN {
        for (i = 0; i < n; i++) {
            side = i >= n - replaced
            group = int(i / 250) "." i % 250 + 1
            printf "rule 239.%d.%s%%in0:5000 name=r%d -> 239.%d.%s%%out0:6000%s\n",
                10 + side, group, i, 20 + side, group, i == changed ? " ttl=9" : ""
        }
    }' >$conf
}

# timed TEXT WANTED COMMAND...: the command succeeds; its answer is in /tmp/answer.
timed() {
    timed_text=$1
    timed_wanted=$2
    shift 2
    read -r timed_from timed_rest </proc/uptime
    if "$@" >/tmp/answer 2>/tmp/answer.log; then
        read -r timed_to timed_rest </proc/uptime
        ok "$timed_text: $(echo "$timed_from $timed_to" |
            awk '{ printf "%.2f", $2 - $1 }') s (of a real machine at most $timed_wanted)"
    else
        fail "$timed_text: $(tail -n 1 /tmp/answer.log)"
    fi
}

ctl() {
    numacastctl --control $socket --timeout 200 "$@"
}

# asked FILTER ARGUMENT...: of the answer in JSON.
asked() {
    asked_filter=$1
    shift
    ctl --json "$@" | jq -r "$asked_filter" | tr '\n' ' ' | sed 's/ $//'
}

# all_live RULES: as many, each with a flow and an output, of which each is live.
all_live() {
    expect 'rules, flows, outputs' \
        "$(asked '[.rules, .flows, .outputs] | join(" ")' stats)" "$1 $1 $1"
    check 'all live' ctl health
}

# To leave ten thousand groups may take an emulated machine long, too.
started_up() {
    start_relay "$count rules" --config $conf --control $socket --shards 1 \
        --rcvbuf 16K --sndbuf 16K --huge off --engine uring --metrics 127.0.0.1:9469 \
        --drain-timeout 60000
}

# The daemon gives up who waits for long, and an emulated machine may be that slow.
scrape() {
    wget -q -O - http://127.0.0.1:9469/metrics >/tmp/scraped && cat /tmp/scraped
}

guest() {
    veth in0 10.1.0.1/24 tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
    SENDER_ON='taskset 1'
    ulimit -n 100000
    rules 0 -1
    timed "start of $count rules" '5 s' started_up
    all_live $count

    timed 'add one' '0.1 s' ctl add '239.250.0.1%in0:5000 name=one -> 239.251.0.1%out0:6000'
    timed 'remove it' '0.1 s' ctl remove one
    rules 0 77
    timed 'reload with one changed' '1 s' ctl reload
    check 'that one alone was changed' grep -q 'flows: 10000 kept, .*outputs: .* 1 changed' \
        /tmp/answer
    timed 'show rules' '1 s' ctl show rules
    expect 'lines of show rules' "$(wc -l </tmp/answer)" $((count + 1))
    timed 'a scrape' '1 s' wait_for scrape
    check 'each rule is in it' [ "$(grep -c '^numacast_rule_state{' /tmp/answer)" -ge $count ]
    timed 'top' '1 s' ctl top --count 1

    rules 500 77
    timed '500 replaced' '0.5 s, and 10 s for all' ctl reload
    check '500 were replaced' grep -q 'flows: 9500 kept, .* 500 added, 500 removed' /tmp/answer
    all_live $count
    exactly_once 'by the last rule' 1 50 --rate 500 239.11.39.250%tx0:5000 -- \
        239.21.39.250%rx0:6000
    stop_relay
}
