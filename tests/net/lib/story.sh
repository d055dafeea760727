# story.sh - the words in which the network stories are told. A story sources it, lays out
# namespaces, starts the relay, sends, and compares what arrived and what the exit report says:
#
#   . "$(dirname "$0")/lib/story.sh"
#   story "a group and a port are rewritten"
#   topo_line                                   # src:s0 --- in0:mid:out0 --- d0:dst
#   relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
#   recv_start sink dst 239.2.2.2%d0:6000
#   send src 239.1.1.1%s0:5000 --count 1000
#   relay_stop
#   recv_clean sink 1000
#
# Namespaces carry the story's mark in their names and go away at exit, as does every process that
# start_in began. `run' gives each telling a mark of its own, which its processes inherit in their
# environment, and looks afterwards whether any is left. The words that are no matter of networks
# (expect, fail, wait_for, start ...) stand in tests/lib/words.sh.
# shellcheck shell=bash disable=SC2034
set -u

# What stands behind the engine: uring+trains, the relay waits for trains and senders send them;
# uring+fast, every flow can be relayed in the kernel, and is; uring+part-fast, those that can.
ENGINE=${ENGINE:-uring}
relay_extra=()
send_extra=()
carried=none # datagrams that the kernel has relayed so far, where it is asked to
case $ENGINE in
*+trains)
    relay_extra=(--batch-wait 50)
    send_extra=(--gso 8)
    ;;
*+fast) relay_extra=(--fastpath require) carried=0 ;;
*+part-fast) relay_extra=(--fastpath auto) carried=0 ;;
esac
ENGINE=${ENGINE%%+*}
src_top=${NC_SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)}
build_top=${NC_BUILDDIR:-$src_top/build}
daemon=$build_top/src/numacastd
probe=$build_top/src/numacast-probe
work=$(mktemp -d "${TMPDIR:-/tmp}/numacast-net.XXXXXX") || exit 1
ctl=$work/ctl # with patience for a busy machine
printf '#!/bin/sh\nexec "%s" --timeout 300 "$@"\n' "$build_top/src/numacastctl" >"$ctl"
chmod 755 "$ctl"
report=$work/report.json
daemon_log=$work/daemon.log
daemon_pid=
export NUMACAST_STORY=${NUMACAST_STORY:-$$}
. "$src_top/tests/lib/words.sh"
. "$src_top/tests/lib/netns.sh"
ns_prefix=nc$NUMACAST_STORY-

# ---- the story and its verdict ----

# story TEXT: what this file tells.
story() {
    echo "story: $1 (engine $ENGINE ${relay_extra[*]} ${send_extra[*]})"
    [ -x "$daemon" ] || fail_now "$daemon is not built"
}

# rate_of N [M]: what a sender sends each second that goes on for the whole story: N, but M, or a
# quarter of N, with sanitizers. Two CPUs do not carry more then, for several stories at a time, and
# no buffer holds what a relay is behind for that long.
rate_of() {
    if grep -q 'NC_BUILD_SANITIZERS "no"' "$build_top/config.h"; then
        echo "$1"
    else
        echo "${2:-$(($1 / 4))}"
    fi
}

# none_refused LOG...: no daemon was refused a system call, but where a story means it.
calls_refused=
none_refused() {
    [ -n "$calls_refused" ] || ! grep -hs -D skip "sandbox: refused" "$@" ||
        fail "a thread makes a system call that is not on its list"
}

# clean_up: the trap. Its last word is the story's verdict.
clean_up() {
    local status=$? name
    trap - EXIT
    end_all
    none_refused "$work"/*.log
    [ "$status$carried" != 00 ] || fail "nothing was relayed in the kernel"
    if [ "$status" -eq 0 ] && [ "$failures" -gt 0 ]; then
        status=1
    fi
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
        for name in "$work"/*.log; do
            [ ! -s "$name" ] || { echo "---- ${name##*/}"; tail -n 25 "$name"; }
        done
    fi
    rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

. "$src_top/tests/net/lib/topo.sh"
. "$src_top/tests/net/lib/relay.sh"
. "$src_top/tests/net/lib/traffic.sh"
