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
# Namespaces carry the process id in their names and go away at exit, as does every process started
# here. Nothing sleeps for a guessed time: wait_for looks until a condition holds, within a limit.
# shellcheck shell=bash disable=SC2034
set -u

ENGINE=${ENGINE:-uring} # or uring+trains: the relay waits for trains, senders send them
relay_extra=()
send_extra=()
if [[ $ENGINE = *+trains ]]; then
    relay_extra=(--batch-wait 50)
    send_extra=(--gso 8)
fi
ENGINE=${ENGINE%+*}
src_top=${NC_SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)}
build_top=${NC_BUILDDIR:-$src_top/build}
daemon=$build_top/src/numacastd
probe=$build_top/src/numacast-probe
work=$(mktemp -d "${TMPDIR:-/tmp}/numacast-net.XXXXXX")
report=$work/report.json
daemon_log=$work/daemon.log
daemon_pid=
namespaces=()
processes=()
undo=()
failures=0

# ---- the story and its verdict ----

# story TEXT: what this file tells.
story() {
    echo "story: $1 (engine $ENGINE ${relay_extra[*]} ${send_extra[*]})"
    [ -x "$daemon" ] || fail_now "$daemon is not built"
}

# skip WHY: leaves the story untold.
skip() {
    echo "skip: $1"
    exit 77
}

# fail TEXT: the story goes on, and fails.
fail() {
    echo "NOT OK: $1"
    failures=$((failures + 1))
}

# fail_now TEXT: nothing further can be learned.
fail_now() {
    fail "$1"
    exit 1
}

# expect WHAT GOT WANTED: equal as text.
expect() {
    if [ "$2" = "$3" ]; then
        echo "ok: $1: $2"
    else
        fail "$1: got '$2', expected '$3'"
    fi
}

# expect_cmp WHAT GOT -OP WANTED: a comparison of numbers, -ge, -lt ...
expect_cmp() {
    if test "$2" "$3" "$4"; then
        echo "ok: $1: $2 $3 $4"
    else
        fail "$1: got '$2', expected $3 $4"
    fi
}

# expect_words WHAT FILE WORDS: FILE has a line with WORDS.
expect_words() {
    if grep -qF -- "$3" "$2"; then
        echo "ok: $1: $3"
    else
        fail "$1: no line with '$3' in:
$(tail -n 15 "$2")"
    fi
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; 1 when it did not in time.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

alive() {
    kill -0 "$1" 2>/dev/null
}

dead() {
    ! alive "$1"
}

# at_exit COMMAND...: done when the story ends, last first.
at_exit() {
    undo=("$(printf '%q ' "$@")" "${undo[@]}")
}

# clean_up: the trap. Its last word is the story's verdict.
clean_up() {
    local status=$? pid name command
    trap - EXIT
    for pid in "${processes[@]}"; do
        kill "$pid" 2>/dev/null
    done
    for pid in "${processes[@]}"; do
        wait_for 3 dead "$pid" || kill -KILL "$pid" 2>/dev/null
    done
    wait
    for command in "${undo[@]}"; do
        eval "$command"
    done
    for name in "${namespaces[@]}"; do
        ip netns del "$name"
    done
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
