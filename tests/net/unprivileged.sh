#!/bin/bash
# Without root: the relay works, and where a limit stands in the way it names the limit.
. "$(dirname "$0")/lib/story.sh"
story "an ordinary user runs the relay"
topo_line
chmod 755 "$work"
touch "$report"
install -m 755 "$daemon" "$work/numacastd"
daemon=$work/numacastd
report=$work/report/report.json
install -d -m 777 "$work/report"
relay_wrapper=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
relay_start --rule "$rule"
recv_start sink dst 239.2.2.2%d0:6000
# No more at once than the receive buffer of an ordinary user holds, however busy this machine is.
for _ in {1..10}; do
    send src 239.1.1.1%s0:5000 --count 100 --rate 4000
    relay_settle
done
relay_stop
recv_clean sink 1000

relay_refuses 1 "CAP_NET_RAW" --strict --rule "$rule src=keep"
if [ "$ENGINE" = uring ]; then
    relay_wrapper+=(prlimit --memlock=4096)
    relay_refuses 1 "RLIMIT_MEMLOCK" --rule "$rule"
fi

# Advice goes by what the kernel said. Threads are counted by user, so this one has nobody else's.
user_alone=$((60000 + $$ % 5000))
for tasks in 1 2; do # none for a child that reads the topology; none for a shard's thread
    relay_wrapper=(prlimit "--nproc=$tasks" setpriv "--reuid=$user_alone" --regid=65534
        --clear-groups --inh-caps=-all)
    relay_refuses 1 "TasksMax=" --rule "$rule"
done
relay_wrapper=(setpriv "--bounding-set=-setuid")
relay_refuses 1 "root lacks CAP_SETUID" --rule "$rule" --user nobody

# ---- capabilities: none but what rules ask for, and those in control's thread alone ----
# threads: of the daemon, in the order in which they began. With ThreadSanitizer the second one is
# not ours.
theirs=0
! grep -q 'NC_BUILD_SANITIZERS ".*thread' "$build_top/config.h" || theirs=2
threads() {
    awk '{ print $22, $1 }' "/proc/$daemon_pid"/task/*/stat | sort -n |
        awk -v theirs=$theirs 'NR != theirs { print $2 }'
}
# each KEY: what stands behind it in the status of the threads; one answer when all are alike.
each() {
    local thread
    for thread in $(threads); do
        sed -nE "s/^$1:[[:blank:]]*(.*[^[:blank:]])?[[:blank:]]*\$/\1/p" \
            "/proc/$daemon_pid/task/$thread/status"
    done | tr '\t' ' ' | sort -u | xargs
}
# each_has VALUE KEY...
each_has() {
    local value=$1 key
    shift
    for key; do
        [ "$(each "$key")" = "$value" ] || return 1
    done
}
no_caps=0000000000000000
buffers=(--rcvbuf 100K --sndbuf 100K) # larger ones may have to be forced, which asks for one
relay_wrapper=(setpriv --groups "4,24")
relay_start --metrics 127.0.0.1:900 "${buffers[@]}" --rule "$rule" --user nobody
expect "the user's ids" "$(each Uid)" "$(printf '%s ' {65534,65534,65534,65534} | xargs)"
expect "the groups" "$(each Groups)" "$(id -G nobody | xargs)"
expect "threads" "$(threads | wc -l)" 4
# A shard gives up what it has after it has said that it is live.
wait_for each_has $no_caps CapInh CapPrm CapEff CapBnd CapAmb ||
    fail "capabilities of a user: $(each CapPrm), $(each CapBnd)"
expect "no_new_privs" "$(each NoNewPrivs)" 1
relay_stop

# As root too. Of what rules ask for, control keeps what a reload may need, and of the reload that
# needs more nothing is done.
relay_wrapper=()
echo "rule $rule" >"$work/conf"
relay_start "${buffers[@]}" --config "$work/conf"
wait_for each_has $no_caps CapInh CapPrm CapEff CapBnd CapAmb ||
    fail "capabilities of root: $(each CapPrm), $(each CapBnd)"
echo "rule $rule src=keep" >"$work/conf"
kill -HUP "$daemon_pid"
wait_for grep -q "rule1: src=keep needs a restart.*net_raw" "$daemon_log" ||
    fail "a reload that needs what was given up is not refused"
relay_stop
raw=0000000000002000
relay_start "${buffers[@]}" --config "$work/conf"
wait_for each_has "$no_caps $raw" CapPrm CapEff || fail "capabilities for src=keep: $(each CapPrm)"
expect "control's" "$(sed -n 's/^CapEff:\t//p' "/proc/$daemon_pid/task/$daemon_pid/status")" $raw
expect "to be gained" "$(each CapBnd) $(each CapInh) $(each CapAmb)" "$no_caps $no_caps $no_caps"
relay_stop
echo "rule $rule" >"$work/conf"
relay_start "${buffers[@]}" --config "$work/conf" --privileges net_raw
echo "rule $rule src=keep" >"$work/conf"
kill -HUP "$daemon_pid"
wait_for grep -q "reload: done" "$daemon_log" || fail "what was kept for it does not help"
relay_stop

# Root of a container, which lacks what others have; a report must be writable after it.
relay_wrapper=(setpriv "--bounding-set=-net_admin,-net_raw,-setpcap")
relay_start --rule "$rule" --user nobody
expect "the user" "$(ps -o user= -p "$daemon_pid")" nobody
relay_stop
install -d -m 700 "$work/roots"
report=$work/roots/report.json
relay_refuses 1 "--exit-report" --rule "$rule" --user nobody
