#!/bin/bash
# shellcheck disable=SC2034
# engines: uring
# io_uring forbidden, as Docker's profile and hardened hosts do: --engine uring says what and the
# cure, --engine auto goes on without it and says so.
. "$(dirname "$0")/lib/story.sh"
story "io_uring is forbidden"
topo_line
deny=$build_top/tests/fake/deny
[ -x "$deny" ] || skip "tests/fake/deny is not built (libseccomp-dev is missing)"
rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
for error in EPERM ENOSYS; do
    relay_wrapper=("$deny" "io_uring_setup=$error" --)
    ENGINE=uring
    relay_refuses 1 "io_uring" --rule "$rule"
    expect_words "the cure" "$daemon_log" "--engine mmsg"
    ENGINE=auto
    relay_start --rule "$rule"
    expect_words "auto says why it uses the other engine" "$daemon_log" "io_uring"
    recv_start $error dst 239.2.2.2%d0:6000
    send src 239.1.1.1%s0:5000 --count 500 --rate 2000
    relay_stop
    recv_clean $error 500
    expect "engine" "$(reported .engine)" mmsg
done

# Memory may be locked for the trial ring and not for the real ones: auto starts over without them,
# where ring memory counts (Linux 6.14 and newer). Elsewhere the rings are had. It counts by user,
# so this one has nobody else's.
chmod 755 "$work"
install -m 755 "$daemon" "$work/numacastd"
daemon=$work/numacastd
install -d -m 777 "$work/report"
report=$work/report/report.json
relay_wrapper=(prlimit --memlock=65536:65536 setpriv "--reuid=$((60000 + $$ % 5000))"
    --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all)
ENGINE=auto
relay_start --rule "$rule"
recv_start little dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --count 500 --rate 2000
relay_stop
recv_clean little 500
if [ "$(reported .engine)" = mmsg ]; then
    expect_words "auto says why it starts over" "$daemon_log" "taking mmsg: shard"
    ENGINE=uring
    relay_refuses 1 "RLIMIT_MEMLOCK, which is 64 KiB" --rule "$rule"
else
    echo "ring memory does not count against RLIMIT_MEMLOCK here"
fi
