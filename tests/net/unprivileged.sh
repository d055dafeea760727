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
send src 239.1.1.1%s0:5000 --count 1000 --rate 4000
relay_stop
recv_clean sink 1000

relay_refuses 1 "CAP_NET_RAW" --strict --rule "$rule src=keep"
if [ "$ENGINE" = uring ]; then
    relay_wrapper+=(prlimit --memlock=4096)
    relay_refuses 1 "RLIMIT_MEMLOCK" --rule "$rule"
fi

# Advice goes by what the kernel said. Threads are counted by user, so this one has nobody else's.
user_alone=$((60000 + $$ % 5000))
relay_wrapper=(prlimit --nproc=1 setpriv "--reuid=$user_alone" --regid=65534 --clear-groups
    --inh-caps=-all)
relay_refuses 1 "TasksMax=" --rule "$rule"
relay_wrapper=(setpriv "--bounding-set=-setuid")
relay_refuses 1 "root lacks CAP_SETUID" --rule "$rule" --user nobody

# Root that becomes a user keeps three capabilities, and none of its groups, in every thread.
# each KEY: what stands behind it in the status of the threads; one answer when all are alike.
each() {
    sed -nE "s/^$1:[[:blank:]]*(.*[^[:blank:]])?[[:blank:]]*\$/\1/p" \
        "/proc/$daemon_pid"/task/*/status | tr '\t' ' ' | sort -u | xargs
}
relay_wrapper=(setpriv --groups "4,24")
relay_start --rule "$rule" --user nobody
expect "the user's ids" "$(each Uid)" "$(printf '%s ' {65534,65534,65534,65534} | xargs)"
expect "the groups" "$(each Groups)" "$(id -G nobody | xargs)"
for set in CapPrm CapEff; do
    expect "$set: NET_BIND_SERVICE, NET_ADMIN, NET_RAW" "$(each $set)" 0000000000003400
done
for set in CapInh CapBnd CapAmb; do
    expect "$set" "$(each $set)" 0000000000000000
done
relay_stop

# Root of a container, which lacks what --user would keep; a report must be writable after it.
relay_wrapper=(setpriv "--bounding-set=-net_admin,-net_raw,-setpcap")
relay_start --rule "$rule" --user nobody
expect "the user" "$(ps -o user= -p "$daemon_pid")" nobody
relay_stop
install -d -m 700 "$work/roots"
report=$work/roots/report.json
relay_refuses 1 "--exit-report" --rule "$rule" --user nobody
