#!/bin/bash
# shellcheck disable=SC2154
# A second relay of one ingress doubles every datagram: it says so at start, and so does the host
# check; neither is kept from anything, and nothing is left when the first one is killed.
. "$(dirname "$0")/lib/story.sh"
. "$src_top/tests/net/lib/check.sh"
story "two relays with one ingress"
topo_line
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
words="another numacastd of this network relays this ingress"
look --rule "$rule"
expect_level doubled "" ok
relay_start --rule "$rule"
expect "warnings of the first one" "$(grep -c another "$daemon_log")" 0
look --rule "$rule"
expect_level doubled "" warn
first_pid=$daemon_pid
daemon_log=$work/second.log
relay_start --rule "$rule"
expect_words "the second one" "$daemon_log" "239.1.1.1%in0:5000: $words"
relay_stop
kill -KILL "$first_pid"
wait_end "$first_pid"
relay_start --rule "$rule"
expect "warnings after the first was killed" "$(grep -c another "$daemon_log")" 0
relay_stop
