#!/bin/bash
# shellcheck disable=SC2154
# also: trains
# Two machines relay one feed, and one of them stands by: it has joined, receives, counts, and says
# nothing. They change places and back amid traffic, with an overlap, and nothing is lost; what is
# doubled is no more than the overlap. Each datagram that the one standing by received is counted
# there, and an order holds over a reload.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/pair.sh"
story "the machine that stands by takes over without loss, and gives back"
rate=$(rate_of 2000) senders=
pair_topo

# duty NAME RULE: how a rule stands on a machine.
duty() {
    pair_ctl "$1" show rules --json | jq -r --arg rule "$2" \
        '.rules[] | select(.rule == $rule) | .duty'
}

# relayed NAME: what it has relayed so far, by both rules.
relayed() {
    pair_ctl "$1" show rules --json | jq '[.rules[].relayed] | add'
}

# relays NAME SINCE: whether it has relayed some more.
relays() {
    [ "$(relayed "$1")" -gt "$2" ]
}

# received NAME: by each of its rules.
received() {
    pair_ctl "$1" show rules --json | jq -r '[.rules[].received] | join(" ")'
}

# caught_up NAME FOUR SIX: whether its rules have received as much. Who goes before it has received
# what the other had, when that one came, leaves a gap: neither relays what is between.
caught_up() {
    local four six
    read -r four six <<<"$(received "$1")"
    [ "$four" -ge "$2" ] && [ "$six" -ge "$3" ]
}

# catch_up NAME OTHER: the one that goes waits for what the other received before it came.
catch_up() {
    local came
    came=$(received "$2")
    # shellcheck disable=SC2086
    wait_for caught_up "$1" $came || fail "$1 is behind for good"
}

for name in ra rb; do
    standby=--standby
    [ "$name" = rb ] || standby=
    # shellcheck disable=SC2086
    {
        echo "rule 239.1.1.1%in0:5000 name=four -> 239.2.2.1%out0:6000"
        echo "rule [ff3e::1%in0]:5000 name=six -> [ff3e::2%out0]:6000"
    } >"$work/$name.conf"
    # shellcheck disable=SC2086
    pair_start "$name" --config "$work/$name.conf" $standby
done
expect_words "the log of the second" "$work/rb.log" "standby: 2 of 2 rules stand by, as the conf"
expect "by an order, at first" \
    "$(pair_ctl rb show rules --json | jq -r '[.rules[].ordered] | unique[]')" false
recv_start four dst 239.2.2.1%d0:6000
recv_start six dst "[ff3e::2%d0]:6000"
expect "duty of the first" "$(duty ra four)" active
expect "duty of the second" "$(duty rb four)" standby
expect "the second is healthy" "$(pair_ctl rb health --json | jq .healthy)" true
pair_ctl rb active nobody 2>"$work/refused"
expect "status of an unknown rule" $? 1
expect_words "an unknown rule" "$work/refused" "no rule is there of that name: nobody"

for pair in "four 239.1.1.1%s0:5000" "six [ff3e::1%s0]:5000"; do
    read -r name group <<<"$pair"
    start_in src "$probe" send --quiet --json --no-loop "${send_extra[@]}" "$group" \
        --duration 600 --rate "$rate" >"$work/sent-$name.json"
    sender=$started
    senders="$senders $sender"
done
wait_up "$sender" relays ra 100 || fail "the first relays nothing"
# The one that comes is told first, and relays, at least for the overlap, before the other ends.
pair_ctl rb active --overlap 20 >/dev/null || fail "the second cannot take over"
catch_up ra rb
pair_ctl ra standby >/dev/null || fail "the first cannot stand by"
expect "duty of the second, now" "$(duty rb six)" active
silent=$(relayed ra)
wait_up "$sender" relays rb 1000 || fail "the second relays nothing"
expect "relayed by the first, standing by" "$(relayed ra)" "$silent"
kill -HUP "${pair_pid[ra]}"
wait_for grep -q "reload: done" "$work/ra.log" || fail "no reload"
expect "duty of the first after a reload" "$(duty ra four)" standby
# And back, by rule: the one that goes is told first, and goes on until the other has taken over, as
# a second order says, which takes the place of the first.
start "$ctl" --control "$work/rb.control" standby --overlap 60000 four six >/dev/null
wait_for grep -q "standby four six, in 60000 ms: done" "$work/rb.log" || fail "rb takes no order"
pair_ctl ra active four six >/dev/null || fail "the first cannot take over again"
expect "duty of both, in the overlap" "$(duty ra four) $(duty rb four)" "active active"
catch_up rb ra
pair_ctl rb standby --overlap 20 four six >/dev/null || fail "the second cannot stand by again"
stop "$started"
stands_by() { [ "$(duty rb four) $(duty rb six)" = "standby standby" ]; }
wait_for stands_by || fail "the overlap has no end"
expect "by an order" "$(pair_ctl ra show rules --json | jq -r '[.rules[].ordered] | unique[]')" true
expect "duty of the second, again" "$(duty rb four) $(duty rb six)" "standby standby"
came=$(relayed ra)
wait_up "$sender" relays ra $((came + 1000)) || fail "the first relays nothing again"
for sender in $senders; do
    stop "$sender"
done
recv_stop four
recv_stop six
took=$(pair_ctl ra show rules --json | jq -r '[.rules[].takeovers] | join(" ")')
expect "take-overs of the first" "$took" "1 1"
pair_stop ra
pair_stop rb
# Who is started again is as its configuration says, whatever was ordered before.
cp "$work/rb.json" "$work/rb.first.json"
pair_start rb --config "$work/rb.conf" --standby
pair_ctl rb active >/dev/null || fail "the second cannot take over"
kill -KILL "${pair_pid[rb]}"
wait_for dead "${pair_pid[rb]}"
pair_start rb --config "$work/rb.conf" --standby
expect "duty of the second after its crash" "$(duty rb four) $(duty rb six)" "standby standby"
pair_stop rb
mv "$work/rb.first.json" "$work/rb.json"
offered=0
doubled=0
for sink in four six; do
    count=$(jq .sent "$work/sent-$sink.json")
    offered=$((offered + count))
    expect "$sink: received once, lost" \
        "$(got $sink '.total | [.received - .duplicated, .lost] | join(" ")')" "$count 0"
    doubled=$((doubled + $(got $sink .total.duplicated)))
done
both=0
for name in ra rb; do
    both=$((both + $(pair_reported $name '[.rules[].relayed] | add')))
done
expect "relayed by both: all, and what was doubled" $both $((offered + doubled))
for name in ra rb; do
    expect "$name: received, in relayed or standby" \
        "$(pair_reported "$name" '[.rules[].flows[] | .relayed + .drops.standby] | add')" \
        "$(pair_reported "$name" '[.rules[].received] | add')"
    expect "$name: duty in the report" \
        "$(pair_reported $name '.rules[] | select(.rule == "four") |
            "\(.duty) \(.takeovers) \(.changed_s != null)"')" \
        "$([ $name = ra ] && echo active 1 true || echo standby 1 true)"
    expect_cmp "$name: received standing by" \
        "$(pair_reported "$name" '[.rules[].flows[].drops.standby] | add')" -gt 0
done
