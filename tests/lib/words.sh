# words.sh - the words that all our scripts share: verdicts, waiting, and what is started and ended.
#
# Sourced by the network stories, the command line tests, the guests and the benches; in a guest by
# busybox, so it is POSIX sh and `local', which every sh that is met here has.
#
# A verdict is told by ok and fail; whoever tells it elsewhere (a guest, on its serial line) defines
# the two again. Whoever starts something in the background does so by `start' and has `end_all' in
# its trap: then nothing outlives it. Nothing sleeps for a guessed time: wait_for looks until a
# condition holds.
#
# A limit is there to end what hangs, not to fail what is slow. It is one for all, patience_s, and
# it counts by a clock that stands still while some process waits for a processor: on a machine busy
# with other work everything may take its time, on an idle one a hang is noticed in a minute.
# shellcheck shell=dash disable=SC2034
failures=0
started=
processes=     # ids of what start began and nobody has waited for, each behind a blank
undo=          # what at_exit was told, a command a line, the last first
patience_s=60  # on the clock described above
patience_most=${PATIENCE_MOST:-10} # times as long, by any clock
look_pause_s=0.05

# ---- verdicts ----

# die WHY: nothing further can be done; `me' is who says so.
die() {
    echo "${me:-${0##*/}}: $*" >&2
    exit 1
}

# skip WHY: leaves the test undone.
skip() {
    echo "skip: $1"
    exit 77
}

# ok TEXT: something is as it should be.
ok() {
    echo "ok: $1"
}

# fail TEXT: something is not; the test goes on, and fails.
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
        ok "$1: $2"
    else
        fail "$1: got '$2', expected '$3'"
    fi
}

# expect_cmp WHAT GOT -OP WANTED: a comparison of numbers, -ge, -lt ...
expect_cmp() {
    if test "$2" "$3" "$4"; then
        ok "$1: $2 $3 $4"
    else
        fail "$1: got '$2', expected $3 $4"
    fi
}

# expect_words WHAT FILE WORDS: FILE has a line with WORDS, or has it in a moment: what the daemon
# logs a thread of its own writes, and a client may be answered before.
expect_words() {
    local patience_s=5
    if wait_for grep -qF -e "$3" "$2"; then
        ok "$1: $3"
    else
        fail "$1: no line with '$3' in:
$(tail -n 15 "$2")"
    fi
}

# have PROGRAM: whether it is installed.
have() {
    command -v "$1" >/dev/null
}

# ---- waiting ----

# clocks: up_s, seconds since the machine started, and calm_s, those of them in which no process
# waited for a processor; the kernel counts the others. Where it does not, one in five is calm.
clocks() {
    local some avg10 avg60 avg300 total=
    read -r up_s some </proc/uptime
    up_s=${up_s%.*}
    { read -r some avg10 avg60 avg300 total; } 2>/dev/null </proc/pressure/cpu || total=
    total=${total#total=}
    if [ -n "$total" ]; then
        calm_s=$((up_s - total / 1000000))
    else
        calm_s=$((up_s / 5))
    fi
}

# wait_for COMMAND...: until COMMAND succeeds; 1 when patience ends first.
wait_for() {
    local up_s calm_s calm_end up_end
    clocks
    calm_end=$((calm_s + patience_s))
    up_end=$((up_s + patience_s * patience_most))
    until "$@"; do
        clocks
        if [ "$calm_s" -ge "$calm_end" ] || [ "$up_s" -ge "$up_end" ]; then
            return 1
        fi
        sleep "$look_pause_s"
    done
}

alive() {
    kill -0 "$1" 2>/dev/null
}

dead() {
    ! alive "$1"
}

# wait_up PID COMMAND...: until COMMAND succeeds, which shows that the process is up; 1 when the
# process, or patience, has ended first.
wait_up() {
    wait_for up_or_dead "$@" || return 1
    shift
    "$@"
}

up_or_dead() {
    local pid=$1
    shift
    "$@" || dead "$pid"
}

# wait_ready PID LOG: until numacastd says in its LOG that every rule is live.
wait_ready() {
    wait_up "$1" grep -q 'ready$' "$2"
}

# ---- what is started ----

# start PROGRAM [ARGUMENT]...: in the background; its process id goes to `started'. The id is the
# program's own, not that of a shell around it, so that a signal ends the program.
start() {
    (exec "$@") &
    started=$!
    processes="$processes $started"
}

# wait_end PID: waits for something that start began, and returns its exit status; from then on the
# id may be somebody else's.
wait_end() {
    local pid rest=''
    for pid in $processes; do
        [ "$pid" = "$1" ] || rest="$rest $pid"
    done
    processes=$rest
    wait "$1" 2>/dev/null
}

# stop PID [SIGNAL]: ends something that start began, and returns its exit status. What does not
# listen is killed.
stop() {
    kill "-${2:-TERM}" "$1" 2>/dev/null || :
    wait_for dead "$1" || kill -KILL "$1" 2>/dev/null || :
    wait_end "$1"
}

# bounded PROGRAM [ARGUMENT]...: runs it and returns its exit status, 124 when patience ended first
# and it was stopped. It reads nothing.
bounded() {
    start "$@"
    set -- "$started"
    if wait_for dead "$1"; then
        wait_end "$1"
    else
        stop "$1"
        return 124
    fi
}

# at_exit COMMAND...: the shell reads the words again when end_all is called.
at_exit() {
    undo="$*
$undo"
}

# end_all: for the trap: ends all that start began, and does what at_exit was told, last first.
end_all() {
    local pid patience_s=5
    for pid in $processes; do
        kill "$pid" 2>/dev/null || :
    done
    for pid in $processes; do
        stop "$pid" || :
    done
    eval "$undo"
    undo=
}
