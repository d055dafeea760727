#!/bin/bash
# reply=yes: who asks a group or a host through the relay hears the answers, from the port it asked.
. "$(dirname "$0")/lib/story.sh"
story "answers find their way back"
topo_line
questions=$src_top/tests/net/lib/questions.py

# answers_at NAME ADDRESS PORT TIMES: somebody in dst who answers.
answers_at() {
    start_in dst python3 "$questions" answer "$2" "$3" d0 "$4" 2>"$work/$1.log"
    wait_up "$started" grep -q ready "$work/$1.log" || fail_now "$1 does not start"
}

# asks ADDRESS PORT COUNT ANSWERS: somebody in src, who waits for so many; prints the answers from
# the right port, and others.
asks() {
    in_ns src python3 "$questions" ask "$1" "$2" s0 "$3" "$4"
}

relay_start \
    --rule "239.255.255.250%in0:1900 -> 239.255.255.250%out0:1900 reply=yes" \
    --rule "[ff05::c%in0]:1900 -> [ff05::c%out0]:1900 reply=yes sport=1901" \
    --rule "10.77.1.2:5000 -> 10.77.2.2:5000 reply=yes, 10.77.2.2:5001" \
    --rule "239.1.1.1%in0:5002 -> 10.77.2.2:5002"
answers_at group 239.255.255.250 1900 3
answers_at group6 ff05::c 1900 2
answers_at host 10.77.2.2 5000 1
answers_at silent 10.77.2.2 5001 1
answers_at without 10.77.2.2 5002 1
expect "answers of a group" "$(asks 239.255.255.250 1900 10 30)" "30 0"
expect "answers of an IPv6 group" "$(asks ff05::c 1900 10 20)" "20 0"
expect "answers of a host" "$(asks 10.77.1.2 5000 10 10)" "10 0"
expect "without reply=yes" "$(asks 239.1.1.1 5002 3 0)" "0 0"
relay_stop
expect "replies" "$(reported '[.rules[].flows[].outputs[].replies] | join(" ")')" "30 20 10 0 0"
expect "sent on" "$(reported '[.rules[].flows[].outputs[].replies_sent] | join(" ")')" \
    "30 20 10 0 0"

# One that comes by a reload, and has another socket after the next.
conf=$work/numacastd.conf
is_reloaded() {
    [ "$(grep -c 'reload: done' "$daemon_log")" -ge "$1" ]
}
echo "rule 239.1.1.9%in0:5009 -> 239.2.2.9%out0:5009" >"$conf"
relay_start --config "$conf"
echo "rule 239.255.255.250%in0:1900 -> 239.255.255.250%out0:1900 reply=yes" >>"$conf"
kill -HUP "$daemon_pid"
wait_for is_reloaded 1 || fail "the reload does not end"
expect "answers to an output that came later" "$(asks 239.255.255.250 1900 2 6)" "6 0"
sed -i 's/reply=yes/reply=yes sport=1905/' "$conf"
kill -HUP "$daemon_pid"
wait_for is_reloaded 2 || fail "the reload does not end"
expect "answers to its other socket" "$(asks 239.255.255.250 1900 2 6)" "6 0"
relay_stop
expect "replies of both" "$(reported '[.rules[].flows[].outputs[].replies] | join(" ")')" "0 12"
relay_refuses 2 "go to the sender's own address" \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000 reply=yes src=keep"
