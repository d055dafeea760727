#!/bin/bash
# shellcheck disable=SC2034,SC2154
# A running relay is looked at, told what to do, and beset by bad clients, while every datagram
# passes.
. "$(dirname "$0")/lib/story.sh"
story "the control socket under traffic"
topo_line
relay_control=$work/control
export NUMACAST_CONTROL=$relay_control
relay_start --rule "239.1.1.1%in0:5000 name=one -> 239.2.2.1%out0:6000, 239.2.2.2%out0:6000" \
    --rule "239.1.1.2%in0:5000 name=two -> 239.2.2.3%out0:6000" --control-group nogroup
recv_start sink dst 239.2.2.1%d0:6000 239.2.2.2%d0:6000
start_in src "$probe" send --quiet --json --no-loop "${send_extra[@]}" --duration 600 \
    --rate "$(rate_of 2000)" 239.1.1.1%s0:5000 >"$work/sent.json" 2>"$work/send.log"
sender=$started

# asks STATUS ARGUMENT...: numacastctl must exit with STATUS; $work/answer and $work/answer.log.
asks() {
    local want=$1
    shift
    bounded "$ctl" "$@" >"$work/answer" 2>"$work/answer.log"
    expect "status of numacastctl $*" $? "$want"
}

# answered EXPRESSION: a value of the last answer, by jq.
answered() {
    jq -r "$1" "$work/answer"
}

flowing() {
    "$ctl" stats --json | jq -e '.totals.received > 100' >/dev/null
}
wait_for flowing || fail "stats tell of no datagram"

# What is shown.
asks 0 show rules
expect "headings" "$(head -n 1 "$work/answer" | awk '{ print $1, $2, $3, $4 }')" \
    "RULE FLOWS OUTPUTS RECEIVED"
expect "rules shown" "$(grep -cE '^(one|two) ' "$work/answer")" 2
asks 0 show outputs one --json
expect "outputs of one rule" "$(answered '[.outputs[].to] | join(" ")')" \
    "239.2.2.1%out0:6000 239.2.2.2%out0:6000"
asks 0 show flows --json
expect "flows" "$(answered '[.flows[].ingress] | sort | join(" ")')" \
    "239.1.1.1%in0:5000 239.1.1.2%in0:5000"
asks 0 show shards --json
expect_cmp "turns of a shard" "$(answered '[.shards[].ring.turns] | max')" -gt 0
asks 0 show pools --json
expect_cmp "classes of buffers" "$(answered '.pools | length')" -ge 4
asks 0 show topology
expect_words "an interface" "$work/answer" in0
asks 0 show plan
expect_words "the plan" "$work/answer" "239.1.1.2%in0:5000"
asks 0 stats --rates --json
expect_cmp "received a second, more than" "$(answered '.rates.received | floor')" -gt 100
asks 0 stats --watch 0.1 --count 3 --json
expect "answers of a watch" "$(answered '.state' | sort | uniq -c | tr -s ' ')" " 3 relaying"
asks 0 health
asks 0 --control "$relay_control" --json show rules one
expect "options before the command" "$(answered '.rules | length')" 1
# shellcheck disable=SC1090
. <("$ctl" completion bash)
COMP_WORDS=(numacastctl --control "$relay_control" show fl) COMP_CWORD=4
_numacastctl
expect "completed behind options" "${COMPREPLY[*]}" flows
asks 0 version
expect_words "the version" "$work/answer" "$("$daemon" --version)"

# What is ordered, and by whom.
asks 0 log-level debug
expect_words "the log says who" "$daemon_log" "log-level debug: done"
expect "mode and group" "$(stat -c '%a %G' "$relay_control")" "660 nogroup"
chmod 755 "$work"
install -m 755 "$build_top/src/numacastctl" "$work/numacastctl"
as_nobody() {
    bounded setpriv --reuid=65534 --regid=65534 --clear-groups "$work/numacastctl" "$@" \
        >"$work/answer" 2>"$work/answer.log"
}
as_nobody stats
expect "the group looks" $? 0
as_nobody log-level info
expect "the group changes nothing" $? 1
expect_words "and is told" "$work/answer.log" "only root and the daemon's own user"
bounded setpriv --reuid=65534 --regid=12345 --clear-groups "$work/numacastctl" stats \
    >"$work/answer" 2>"$work/answer.log"
expect "others are not heard" $? 3
printf '# a batch\nlog-level info\nshow changes --json\n' >"$work/batch"
asks 0 batch "$work/batch"
expect "changes" "$(sed 1d "$work/answer" | jq -r '[.changes[].what] | join(", ")')" \
    "log-level debug, log-level info"
printf 'version\n\nshow "flows\nversion\n' >"$work/batch"
asks 2 batch "$work/batch"
expect_words "where it is wrong" "$work/answer.log" "batch:3: "
expect "done before" "$(wc -l <"$work/answer")" 1
asks 1 batch "$work"
expect_words "that it cannot be read" "$work/answer.log" ":1: cannot read: Is a directory"

# Bad clients, all at once: each is refused or dropped, and no other notices.
bounded python3 "$src_top/tests/net/lib/bad_clients.py" "$relay_control" >"$work/bad" \
    2>"$work/bad.log"
expect "bad clients" "$(tr '\n' ' ' <"$work/bad")" \
    "good ok nonsense not_json deep not_json unknown unknown_command type bad_request long too_long\
 many True good ok "
asks 0 health

# The end: nothing was lost or doubled meanwhile.
stop "$sender"
count=$(sent .sent)
recv_clean sink $((2 * count))
asks 0 drain --wait
relay_end
expect "exit status after drain" "$relay_status" 0
report_check
expect "received" "$(reported '.totals.received')" "$count"
asks 3 stats
if [ -e "$relay_control" ]; then fail "the socket is left behind"; fi

# What waits for its interface is no good health, and is named.
relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000, 239.2.2.2%out9:6000"
asks 1 health
expect_words "why" "$work/answer" "output 239.2.2.2%out9:6000: pending: "
asks 0 show outputs
expect "states" "$(awk '{ print $9 }' "$work/answer" | tr '\n' ' ')" "STATE live pending "
relay_stop

# A path that cannot be had is an error, and one that nobody asked for is not.
relay_control=$work/no/control
relay_refuses 1 "--control $work/no/control: cannot listen" \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.1%out0:6000"
