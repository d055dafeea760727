#!/bin/bash
# One sender only: by=source cannot divide it, and after ten seconds of traffic the log says so; of
# a flow with two senders it says nothing.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/spread.sh"
story "one share of a divided flow has everything"
spread_topo
relay_start --shards 2 --oversubscribe \
    --rule "239.1.1.2%in0:5000 spread=2 by=source -> 239.2.1.2%out0:6000" \
    --rule "10.77.1.2%in0:5102 spread=2 by=source -> 239.2.2.2%out0:6000"

# another: a sender whose share is not the first one's.
for another in "${spread_sources[@]}"; do
    [ "$(spread_share m4 "$another" 2)" = "$(spread_share m4 1 2)" ] || break
done
start_in src "$probe" send --quiet --no-loop --rate 20 --duration 600 --source 10.77.1.11 \
    239.1.1.2%s0:5000 10.77.1.2%s0:5102 >"$work/one.out" 2>"$work/one.log"
one=$started
send_extra=()
send src 10.77.1.2%s0:5102 --source "10.77.1.1$another" --count 1
wait_for grep -q 'has everything' "$daemon_log" || fail "nothing was said of the one sender"
expect "of which flow" "$(grep -c 'flow 239.1.1.2%in0:5000: one share of 2 has everything after' \
    "$daemon_log")" 1
stop "$one"
relay_stop
expect "said once" "$(grep -c 'has everything' "$daemon_log")" 1
expect_cmp "heard by its share" "$(spread_of rule1 received | tr ' ' '\n' | sort -n | tail -n 1)" \
    -gt 0
