# leftovers.sh - what a test has left behind, for the runners that source words.sh.
#
# A runner gives each test a mark, as NUMACAST_STORY in its environment. Every process that the test
# starts inherits it, whatever session, process group or parent it has later, and /proc tells; the
# test's namespaces carry it in their names.
# shellcheck shell=bash disable=SC2034

# marked MARK: the ids of the processes that have it. A runner itself must not.
marked() {
    grep -lszx "NUMACAST_STORY=$1" /proc/[0-9]*/environ | cut -d / -f 3
}

# left_by MARK: what is there, one a line.
left_by() {
    local pid name
    for pid in $(marked "$1"); do
        printf 'process %s: %s\n' "$pid" "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
    done
    for name in /run/netns/nc"$1"-*; do
        [ ! -e "$name" ] || echo "namespace ${name##*/}"
    done
}

none_left() {
    [ -z "$(left_by "$1")" ]
}

# clear_away MARK: what the test with that mark has left behind is named, one a line, and ended. A
# process that was killed as the test's last deed may need a moment to be gone.
clear_away() {
    local patience_s=3 patience_most=3 name
    ! wait_for none_left "$1" || return 0
    left_by "$1"
    for name in $(marked "$1"); do
        kill -KILL "$name" 2>/dev/null || :
    done
    for name in /run/netns/nc"$1"-*; do
        [ ! -e "$name" ] || ip netns del "${name##*/}"
    done
    wait_for none_left "$1"
}
