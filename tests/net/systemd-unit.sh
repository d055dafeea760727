#!/bin/bash
# shellcheck disable=SC2034,SC2154
# What the unit file allows is enough: with its user and limits, and the capabilities of its
# drop-in, the relay does all that rules can ask for, and every system call it makes is one that
# the unit's filter lets through.
. "$(dirname "$0")/lib/story.sh"
. "$src_top/tests/net/lib/check.sh"
story "the relay lives within its systemd unit"
unit=$src_top/etc/systemd/numacastd.service.in
drop_in=$src_top/etc/systemd/privileges.conf
command -v systemd-analyze >/dev/null || skip "systemd-analyze is missing (package systemd)"
# The leak checker of a sanitized build stops its own process with ptrace, which the unit forbids;
# every other story checks for leaks.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
topo_line

# setting KEY: its values in the unit and the drop-in.
setting() {
    sed -n "s/^$1=//p" "$unit" "$drop_in"
}

# as_unit: the command line in front of the relay that does what the unit asks systemd for.
as_unit() {
    local capability caps=""
    for capability in $(setting AmbientCapabilities); do
        capability=${capability#CAP_}
        caps+=",+${capability,,}"
    done
    wrapper=(prlimit "--nofile=4096:4096"
        setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "--bounding-set=-all$caps"
        "--inh-caps=-all$caps" "--ambient-caps=-all$caps")
}
as_unit
chmod 755 "$work"
install -m 755 "$daemon" "$work/numacastd"
daemon=$work/numacastd
install -d -m 777 "$work/run"
report=$work/run/report.json

# syscalls WORD: a call, or those of a group of systemd's, groups within it too.
syscalls() {
    local word
    case $1 in
    @*)
        systemd-analyze syscall-filter "$1" | sed 's/^ *//; /^#/d; 1d; /^$/d' |
            while read -r word; do
                syscalls "$word"
            done
        ;;
    *) echo "$1" ;;
    esac
}
# filter_calls WORD...: the calls of all, sorted; a word may begin with `~'.
filter_calls() {
    local word
    for word; do
        syscalls "${word#\~}"
    done | sort -u
}
: >"$work/within"
while read -r -a filter; do
    filter_calls "${filter[@]}" >"$work/calls"
    case ${filter[0]} in
    \~*) comm -23 "$work/within" "$work/calls" >"$work/next" ;;
    *) sort -u "$work/within" "$work/calls" >"$work/next" ;;
    esac
    mv "$work/next" "$work/within"
done < <(setting SystemCallFilter)
expect_cmp "system calls that the filter lets through" "$(wc -l <"$work/within")" -gt 200

rules=(--rule "239.1.1.1%in0:500 -> 239.2.2.2%out0:600 ttl=dec dscp=keep src=keep priority=7"
    --rule "[ff3e::1%in0]:5000 -> [ff3e::2%out0]:6000, 10.77.2.2:90 sport=91 rate=1G")

# ---- the host check, asked as the unit, and then the relay ----
check_wrapper=("${wrapper[@]}")
look --huge off --rcvbuf 512M "${rules[@]}"
expect "failures" "$(jq -r '.findings[] | select(.level == "fail") | .id' "$work/check.json")" ""
expect_level src_keep "" ok
expect_level low_port "" ok
expect_level priority "" ok
expect_level rmem_max "" ok

install -m 666 /dev/null "$work/calls"
relay_wrapper=("${wrapper[@]}" strace -f -qq -e "trace=!exit,exit_group" -o "$work/calls")
relay_start --rcvbuf 512M "${rules[@]}"
recv_start four dst 239.2.2.2%d0:600
recv_start six dst "[ff3e::2%d0]:6000"
recv_start unicast dst 10.77.2.2:90
send src 239.1.1.1%s0:500 --count 200 --rate 2000 --ttl 9
send src "[ff3e::1%s0]:5000" --count 200 --rate 2000
# strace hands the signal on to nobody: the relay itself is its child.
wrapped_pid=$daemon_pid
traced_pid=$(pgrep -P "$wrapped_pid" | head -n 1)
relay_settle
kill -TERM "${traced_pid:-$wrapped_pid}"
relay_end
expect "numacastd's exit status" "$relay_status" 0
report_check
recv_clean four 200
recv_clean six 200
recv_clean unicast 200

# ---- every call is within the filter, from numacastd's own exec on ----
sed -n '/execve(.*numacastd/,$p' "$work/calls" | sed -nE 's/^[0-9]+ +([a-z_0-9]+)\(.*/\1/p' |
    sort -u >"$work/used"
expect_cmp "different system calls seen" "$(wc -l <"$work/used")" -gt 20
expect "system calls outside the unit's filter" \
    "$(comm -23 "$work/used" "$work/within" | xargs)" ""
expect "address families outside the unit's list" \
    "$(grep -oE '\bsocket\(AF_[A-Z0-9]+' "$work/calls" | sed 's/.*(//' | sort -u |
        grep -vxF "$(setting RestrictAddressFamilies | tr ' ' '\n')")" ""
expect "memory that is writable and executable" \
    "$(grep -cE 'PROT_WRITE\|PROT_EXEC' "$work/calls")" 0
