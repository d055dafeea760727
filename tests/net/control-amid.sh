#!/bin/bash
# Who looks while a change is carried out is answered between two of its steps, and does not wait
# for its end; who wants another change is refused.
. "$(dirname "$0")/lib/story.sh"
story "readers are answered while a change is under way"
topo_line
relay_control=$work/control

# ask WORD...: numacastctl; its output in $work/answer.
ask() {
    in_ns mid "$ctl" --control "$relay_control" "$@" >"$work/answer" 2>"$work/answer.err"
}

# rules TTL: as many as take a while, so that each differs from those of before.
rules() {
    local i
    for ((i = 0; i < 3000; i++)); do
        echo "rule 239.1.$((i / 250)).$((i % 250))%in0:5000 ->" \
            "239.2.2.1%out0:$((6000 + i)) sport=$(($1 + i))"
    done
}

relay_start --shards 2 --oversubscribe --rule "239.9.9.9%in0:5000 -> 239.2.2.2%out0:6000"
# Answers that came at the very end may be of after it, so more than one is waited for.
for port in 20000 30000 40000; do
    rules "$port" >"$work/rules.conf"
    start_in mid "$ctl" --control "$relay_control" replace "$work/rules.conf" \
        >"$work/replace.out" 2>"$work/replace.err"
    replacing=$started
    answers=-1 refused=0 asked=0
    while ! dead "$replacing"; do
        ask show changes && answers=$((answers + 1))
        dead "$replacing" && break
        # Another one each time: the first may come before the change.
        asked=$((asked + 1))
        ask add "239.9.8.$((asked % 250))%in0:5000 -> 239.2.2.3%out0:6000" ||
            ! grep -q "another change is under way" "$work/answer.err" || refused=$((refused + 1))
    done
    wait_end "$replacing" || fail "replace failed: $(cat "$work/replace.err")"
    amid=$((answers > refused ? refused : answers))
    [ "$amid" -lt 1 ] || break
done
expect_cmp "answers, and refusals, amid a change" "$amid" -gt 0
relay_stop
