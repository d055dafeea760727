# base.sh - words and tidying up that all parts of bench/run share.
#
# The words that are no matter of measuring (die, wait_for, start, stop, in_ns ...) are those of
# tests/lib/: what is started or made by them goes away when bench/run ends, however it ends.
# Nothing is killed but what was started here, by its process id.
# shellcheck shell=bash disable=SC2034,SC2154

me=bench/run
. "$top/tests/lib/words.sh"
. "$top/tests/lib/netns.sh"
ns_prefix=ncbench$$-
look_pause_s=0.02

# say TEXT: a line about progress; results go to standard output, this does not.
say() {
    echo "$me: $1" >&2
}

# calc EXPRESSION: arithmetic with fractions.
calc() {
    awk "BEGIN { printf \"%.10g\", ($1) }"
}

# run_program NAME [FLAG]...: one of the bench programs, its tables also as CSV. It prints its
# command, which had better not name a directory of this machine.
run_program() {
    local name=$1 program flags=()
    program=$(realpath "$build/bench/$name")
    shift
    ! $quick || flags=(--quick)
    (cd "$out" && "$program" "$@" --csv . "${flags[@]}") || die "$name fails"
}

clean_up() {
    trap - EXIT
    end_all 2>/dev/null
    { [ -z "$autogroup" ] || echo "$autogroup" >/proc/self/autogroup; } 2>/dev/null
    [ ${#neigh_usual[@]} -eq 0 ] || neigh_room usual
    rm -rf "$work"
}

# go_first: what runs here comes before the rest of the machine, as far as that is possible, so that
# figures depend less on it. Where the scheduler groups processes by session (autogroup), the weight
# is the session's: the terminal's shell shares it until clean_up gives it back.
go_first() {
    renice -n -15 -p $$ >/dev/null 2>&1
    autogroup=$(sed -n 's/.* nice //p' /proc/self/autogroup 2>/dev/null)
    { echo -15 >/proc/self/autogroup; } 2>/dev/null
}

# describe_machine: what the figures depend on, for the head of a report.
describe_machine() {
    local name
    echo "date      $(date -u '+%Y-%m-%d %H:%M UTC')"
    echo "command   $command_line"
    echo "runs      $runs of each, medians; $seconds s of sending each"
    echo "kernel    $(uname -sr)"
    lscpu | awk -F: '/^(Model name|CPU\(s\)|L1d cache|L2 cache|L3 cache|Hypervisor vendor)/ {
        sub(/^ +/, "", $2); printf "%-9s %s: %s\n", "machine", $1, $2 }'
    awk '/^MemTotal/ { printf "machine   memory: %.0f GiB\n", $2 / 1048576 }' /proc/meminfo
    "$daemon" --version --verbose | sed 's/^/built     /'
    for name in socat multicat smcroute liburing2 gcc gnuplot-nox; do
        dpkg-query -W -f='package   ${Package} ${Version}\n' "$name" 2>/dev/null ||
            echo "package   $name is not installed"
    done
    echo "load      $(cut -d' ' -f1-3 /proc/loadavg) (1, 5, 15 minutes) at the start"
}
