#!/bin/bash
# also: fast
# shellcheck disable=SC2034,SC2154
# Rules come and go by numacastctl while datagrams pass; what stays is not touched, and what is
# wrong changes nothing.
. "$(dirname "$0")/lib/story.sh"
story "add, remove, disable, enable, replace and reload under traffic"
to_and_fro
topo_line
relay_control=$work/control
export NUMACAST_CONTROL=$relay_control
cat >"$work/relay.conf" <<'END'
rule 239.1.1.1%in0:5000 name=stays -> 239.2.2.1%out0:6000
rule 239.1.1.2%in0:5000 name=second -> 239.2.2.2%out0:6000
END
relay_start --config "$work/relay.conf" --shards 1
recv_start sink dst 239.2.2.1%d0:6000
start_in src "$probe" send --quiet --json --no-loop "${send_extra[@]}" --duration 600 \
    --rate "$(rate_of 2000)" 239.1.1.1%s0:5000 >"$work/all.json" 2>"$work/send.log"
sender=$started

# asks STATUS ARGUMENT...: numacastctl must exit with STATUS; $work/answer and $work/answer.log.
asks() {
    local want=$1
    shift
    bounded "$ctl" "$@" >"$work/answer" 2>"$work/answer.log"
    expect "status of numacastctl $*" $? "$want"
}

# rules: the names of those that run, and behind a stroke of those that are disabled.
rules() {
    "$ctl" show rules --json |
        jq -r '([.rules[].rule] | join(" ")) + "|" + ([.disabled[].rule] | join(" "))'
}

joined() {
    in_ns mid ip maddr show dev in0 | grep -q "$1"
}

for ((i = 0; i < 5; i++)); do
    asks 0 add "239.1.1.3%in0:5000 name=more -> 239.2.2.3%out0:6000" \
        "239.1.1.4%in0:5000 -> 239.2.2.3%out0:6000, 239.2.2.4%out0:6000"
    expect_words "what was done" "$work/answer" "2 added, 0 removed"
    expect "rules" "$(rules)" "stays second more rule4|"
    joined 239.1.1.4 || fail "239.1.1.4 is not joined"
    asks 0 disable second rule4
    expect "rules" "$(rules)" "stays more|second rule4"
    ! joined 239.1.1.4 || fail "239.1.1.4 is still joined"
    asks 0 enable rule4
    expect "rules" "$(rules)" "stays more rule4|second"
    asks 0 remove more rule4 second
    expect "rules" "$(rules)" "stays|"
    asks 0 add "239.1.1.2%in0:5000 name=second -> 239.2.2.2%out0:6000"
done

# A rule that was added relays.
recv_start second dst 239.2.2.2%d0:6000
send src 239.1.1.2%s0:5000 --count 1000 --rate 4000
recv_clean second 1000

# What is wrong is told and changes nothing.
before=$(rules)
asks 1 add "239.1.1.9%in0:5000 -> nowhere"
expect_words "the rule" "$work/answer.log" "numacastctl: add: "
asks 1 add "239.1.1.1%in0:5000 -> 239.2.2.9%out0:6000"
asks 1 remove stays nobody
expect_words "the name" "$work/answer.log" "no rule is there of that name: nobody"
asks 1 enable stays
asks 1 remove stays second
printf 'rule 239.1.1.1%%in0:5000 -> 239.2.2.1%%out0:6000\nbatch-wait often\n' >"$work/wrong.conf"
asks 1 replace "$work/wrong.conf"
expect_words "the line" "$work/answer.log" "$work/wrong.conf:2: "
asks 2 replace "$work/none"
printf 'rule 239.1.1.1%%in0:5000 -> 239.2.2.1%%out0:6000\npool small=7\n' >"$work/wrong.conf"
asks 1 replace "$work/wrong.conf"
expect_words "what needs a restart" "$work/answer.log" "restart"
expect "rules" "$(rules)" "$before"

# polling: whether the kernel polls devices as it is asked to, or the ring says why not.
polling() {
    "$ctl" show shards --json |
        jq '.shards[0].ring | .busy_poll_us == 30 or .busy_poll_errno > 0'
}

# Another configuration, with busy polling, and the one of the file again.
printf 'rule 239.1.1.1%%in0:5000 name=stays -> 239.2.2.1%%out0:6000\nbusy-poll 30\n' \
    >"$work/other.conf"
expect "polling before" "$(polling)" false
asks 0 replace "$work/other.conf"
expect "rules" "$(rules)" "stays|"
expect "polling" "$(polling)" true
asks 1 disable stays
expect "the last rule stays" "$(rules)" "stays|"
asks 0 reload
expect "rules" "$(rules)" "stays second|"
expect "polling after" "$(polling)" false
asks 0 show changes --json
expect_cmp "changes" "$(jq '.changes | length' "$work/answer")" -gt 30
expect "the last one" "$(jq -r '.changes[-1] | .what + ": " + .result' "$work/answer")" \
    "reload: done"

stop "$sender"
count=$(jq .sent "$work/all.json")
recv_clean sink "$count"
relay_stop
expect "received" "$(reported '.totals.received')" $((count + 1000))
