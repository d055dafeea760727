#!/bin/bash
# also: fast
# The configuration is read again while some of it is pending: what is added on an interface that is
# not there is pending too, what is removed is forgotten, what stays pending is live as soon as it
# can be, and what relays all the while is not touched.
. "$(dirname "$0")/lib/story.sh"
story "a reload goes on while interfaces are missing"
to_and_fro
topo_line
conf=$work/numacastd.conf
kept="rule 239.1.1.1%in0:5000 -> 239.2.2.1%out0:6001, 239.2.2.2%late0:6002"
stays="rule 239.1.1.2%late1:5000 -> 239.2.2.3%out0:6003"

done_count=0
is_done() {
    [ "$(grep -c 'reload: ' "$daemon_log")" -ge "$done_count" ]
}

# reload LINE...: SIGHUP with these lines, and waits until it is done or refused.
reload() {
    printf '%s\n' "$@" >"$conf"
    done_count=$((done_count + 1))
    kill -HUP "$daemon_pid"
    wait_for is_done || fail "the reload does not end"
}

# live NAME: whether the log says so.
live() {
    grep -qF "$1: live" "$daemon_log"
}

printf '%s\n' "$kept" "$stays" "rule 239.1.1.3%late1:5000 -> 239.2.2.4%out0:6004" >"$conf"
relay_start --config "$conf"
expect_words "the log counts them" "$daemon_log" ", 3 pending: ready"
recv_start one dst 239.2.2.1%d0:6001
start_in src "$probe" send --quiet --json --no-loop 239.1.1.1%s0:5000 --duration 600 \
    --rate "$(rate_of 2000)" >"$work/all.sent" 2>"$work/all.log"
sender=$started

# One that waits is removed, others come and wait, and options of those that wait change.
more="rule [ff1e::9%late1]:5000 -> [ff1e::29%out0]:6010, [ff1e::29%late0]:6010"
reload "$kept" "$stays" "$more"
reload "$kept ttl=9" "$stays sport=7003" "$more ttl=9 sport=7010"
reload "$kept, 239.2.2.9%never0:6009" "$stays" "$more"
expect "reloads that were done" "$(grep -c 'reload: done' "$daemon_log")" 3
expect_words "one that came waits" "$daemon_log" "[ff1e::9%late1]:5000: pending: interface late1"
expect_words "the next, too" "$daemon_log" "239.2.2.9%never0:6009: pending: interface never0"

wire 3 mid late0 dst dl0
wire 4 src s1 mid late1
for name in 239.2.2.2%late0:6002 239.1.1.2%late1:5000 "[ff1e::9%late1]:5000" \
    "[ff1e::29%late0]:6010"; do
    wait_for live "$name" || fail "$name does not become live"
done
live 239.1.1.3 && fail "a rule that was removed has become live"
in_ns mid ip maddr show dev late1 | grep -q 239.1.1.3 && fail "its group was joined"
recv_start three dst 239.2.2.3%d0:6003
recv_start six dst "[ff1e::29%d0]:6010"
recv_start late dst "[ff1e::29%dl0]:6010"
send src 239.1.1.2%s1:5000 --count 50 --rate 2000
send src "[ff1e::9%s1]:5000" --count 60 --rate 2000
recv_clean three 50
recv_clean six 60
recv_clean late 60
reload "$kept" "$stays" "$more"
expect "reloads that were done" "$(grep -c 'reload: done' "$daemon_log")" 4

kill -TERM "$sender"
wait_end "$sender"
relay_stop
recv_clean one "$(jq -r .sent "$work/all.sent")"
expect "what waited is counted" "$(reported '[.rules[0].flows[0].outputs[] |
    select(.to == "239.2.2.2%late0:6002") | .drops.pending > 0, .sent > 0] | join(" ")')" \
    "true true"

# --strict says no, to all of it.
printf '%s\n' "$kept" >"$conf"
relay_start --strict --config "$conf"
done_count=0
reload "$kept" "rule 239.1.1.4%never0:5000 -> 239.2.2.4%out0:6004"
expect_words "a strict reload says" "$daemon_log" \
    "reload: not applied: $conf:2: interface never0 does not exist"
relay_stop
