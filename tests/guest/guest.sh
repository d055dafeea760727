# guest.sh - what a case's guest part may call; sourced by init, run by busybox sh as root. The
# words that are not a guest's alone (expect, wait_for, start, in_ns ...) are those of tests/lib/.
#
# The protocol, one line each on ttyS1 (nothing else is written there):
#
#     note TEXT           for the reader
#     ok TEXT             a check that held
#     fail TEXT           a check that did not; the case fails
#     file NAME           opens a file handed out of the guest ...
#     |LINE               ... one of its lines
#     end pass|fail       the last line; a case without it has failed (crash, hang)
#
# A case's checks are written to go on after a failure where that tells more. How busy the machine
# outside is cannot be seen from in here, so that patience is long, and the clock an ordinary one.
# shellcheck shell=dash disable=SC2034
PROTO=/dev/ttyS1
FAILS=/run/fails
# shellcheck source-path=SCRIPTDIR source=../lib/words.sh
. ./tests/lib/words.sh
# shellcheck source-path=SCRIPTDIR source=../lib/netns.sh
. ./tests/lib/netns.sh
patience_s=240
patience_most=1
look_pause_s=0.2

# busybox prefers its own applets to the programs on the path, and its ip knows no namespaces.
ip() {
    /bin/ip "$@"
}

say() {
    printf '%s\n' "$*" >$PROTO
    printf '## %s\n' "$*"
}

note() {
    say "note $*"
}

ok() {
    say "ok $*"
}

fail() {
    echo "$*" >>$FAILS
    say "fail $*"
}

# check TEXT COMMAND...: ok when the command succeeds.
check() {
    check_text=$1
    shift
    if "$@"; then
        ok "$check_text"
    else
        fail "$check_text (failed: $*)"
    fi
}

# give FILE [NAME]: hands a file out of the guest.
give() {
    say "file ${2:-$(basename "$1")}"
    sed 's/^/|/' "$1" >$PROTO
}

# export_xml NAME: hands out the topology as hwloc sees it now, when run --export-xml asked for it.
# --disallowed keeps what a cpuset forbids; without it those CPUs would be missing.
export_xml() {
    [ -e /etc/case/export ] || return 0
    rm -f /tmp/export.xml
    lstopo-no-graphics --disallowed --of xml /tmp/export.xml
    give /tmp/export.xml "guest-$1.xml"
}

finish() {
    if [ -s $FAILS ]; then
        say "end fail"
    else
        say "end pass"
    fi
}

# name_nics FILE: gives each NIC the name that the case gave it, found by its MAC.
name_nics() {
    while read -r mac name; do
        for dir in /sys/class/net/*; do
            if [ "$(cat "$dir/address")" = "$mac" ]; then
                ip link set "${dir##*/}" name "$name"
            fi
        done
        [ -d "/sys/class/net/$name" ] || fail "NIC $name ($mac) did not appear"
    done <"$1"
}

# nic_node NAME: the node of a virtio NIC, from its PCI function.
nic_node() {
    cat "/sys/class/net/$1/device/../numa_node"
}

# huge_2m NODE PAGES: reserves 2 MiB pages on one node; fails unless it got exactly that many.
huge_2m() {
    huge_file=/sys/devices/system/node/node$1/hugepages/hugepages-2048kB/nr_hugepages
    echo "$2" >"$huge_file"
    expect "2 MiB pages reserved on node $1" "$(cat "$huge_file")" "$2"
}

# shellcheck source-path=SCRIPTDIR source=relay.sh
. /relay.sh
