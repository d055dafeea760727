# managed.sh - a relay under an imitation of the service manager and its store (store.py), which
# starts it again whenever it ends. For stories that source story.sh.
# shellcheck shell=bash disable=SC2034,SC2154
conf=$work/numacastd.conf
build=$work/build-1
ln -s "$daemon" "$build"
mkdir "$work/store"

# configure LINE...: what the next process reads.
configure() {
    printf '%s\n' "$@" >"$conf"
}

# managed_start ARGUMENT...: numacastd under the manager; $manager.
managed_start() {
    : >"$daemon_log"
    start_in mid python3 "$src_top/tests/net/lib/store.py" "$work/store" \
        "$build" --engine "$ENGINE" --control off --exit-report "$report" "${relay_extra[@]}" \
        --config "$conf" "$@" 2>>"$daemon_log"
    manager=$started
    starts=0
    next_is_ready || fail_now "numacastd is not ready"
}

# readies: how many processes have been ready.
readies() {
    grep -c 'ready$' "$daemon_log"
}

# is_ready_again: once it is, it stays so; what is kept may come and go.
is_ready_again() {
    [ "$(readies)" -gt "$starts" ]
}
keeps_some() {
    grep -q '^n1-' "$work/store/kept"
}

next_is_ready() {
    wait_up "$manager" is_ready_again || return 1
    wait_for keeps_some || return 1
    starts=$(readies)
    daemon_pid=$(cat "$work/store/pid")
}

# again SIGNAL: ends the process by it; another one takes its place.
again() {
    kill "-$1" "$daemon_pid"
    next_is_ready || fail_now "no process comes after SIG$1"
}

# kept: how many sockets are.
kept() {
    grep -c '^n1-' "$work/store/kept"
}

kept_is() {
    [ "$(kept)" -eq "$1" ]
}

# judge NAME: what a receiver got, whole and in order.
judge() {
    recv_stop "$1"
    local fields='[.lost, .duplicated, .reordered, .corrupt, .cut]'
    expect "$1: lost, duplicated, reordered, corrupt, cut" \
        "$(got "$1" ".total | $fields | join(\" \")")" "0 0 0 0 0"
    expect_cmp "$1: received" "$(got "$1" .total.received)" -gt 0
}
