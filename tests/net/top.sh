#!/bin/bash
# engines: uring
# shellcheck disable=SC2034,SC2154
# numacastctl top in a terminal that tmux plays: rates, a loss in colour, any size, a restart of the
# daemon; and plain text where there is no terminal.
. "$(dirname "$0")/lib/story.sh"
story "numacastctl top"
have tmux || skip "tmux is missing"
topo_line
relay_control=$work/control
export NUMACAST_CONTROL=$relay_control LC_ALL=C.UTF-8 TMUX_TMPDIR=$work TERM=xterm-256color
unset TMUX
rules=(--rule "239.1.1.1%in0:5000 name=one -> 239.2.2.1%out0:6000"
    --rule "239.1.1.2%in0:5000 name=two -> 239.2.2.2%out0:6000 rate=100kbit")
relay_start "${rules[@]}"

# term OPTION...: tmux with the server of the last terminal.
servers=0
term() {
    tmux -L "top$servers" -f /dev/null "$@"
}

# terminal COLUMNS LINES COMMAND: runs COMMAND in a terminal; its exit status in $work/status. Each
# has a server of its own, since one whose command has ended may be about to end.
terminal() {
    rm -f "$work/status"
    servers=$((servers + 1))
    term new-session -d -x "$1" -y "$2" "$3; echo \$? >'$work/status.new'; \
        mv '$work/status.new' '$work/status'"
}
end_terminals() {
    for ((; servers > 0; servers--)); do
        term kill-server 2>/dev/null
    done
}
at_exit end_terminals

# screen [-e]: what the terminal shows, with -e its colours as well.
screen() {
    term capture-pane -p "$@" >"$work/screen"
}

# shows WORDS: whether the terminal does.
shows() {
    screen
    grep -qF -e "$1" "$work/screen"
}

# keeps_to COLUMNS LINES: the picture is as large as that, and its last line tells the keys.
keeps_to() {
    screen
    [ "$(wc -L <"$work/screen")" -le "$1" ] && [ "$(wc -l <"$work/screen")" -eq "$2" ] &&
        sed -n "$2p" "$work/screen" | grep -q '^ q quit'
}

# comes WORDS: waits until the terminal shows them.
comes() {
    if wait_for shows "$1"; then
        ok "top shows: $1"
    else
        fail "top does not show '$1' but:
$(cat "$work/screen")"
    fi
}

# rate_of RULE COLUMN: in whole numbers; 0 while it is not known.
rate_of() {
    screen
    awk -v rule="$1" -v column="$2" '
        $1 == "RULE" { for (i = 1; i <= NF; i++) if ($i == "bit/s") { $i = ""; $0 = $0 } }
        $1 == "RULE" { for (i = 1; i <= NF; i++) at[$i] = i }
        $1 == rule { print int($at[column]); found = 1; exit }
        END { if (!found) print 0 }' "$work/screen"
}

# near RULE COLUMN LEAST MOST
near() {
    local rate
    rate=$(rate_of "$1" "$2")
    [ "$rate" -ge "$3" ] && [ "$rate" -le "$4" ]
}

# coloured WORDS CODE: a line with these has this colour in it.
coloured() {
    screen -e
    grep -F "$1" "$work/screen" | grep -q $'\033'"\[[0-9;]*$2m"
}

# Rates: 800 a second of one, 400 of two, of which its output takes some and loses the rest.
start_in src "$probe" send --quiet --no-loop --duration 600 --rate 800 239.1.1.1%s0:5000
first=$started
start_in src "$probe" send --quiet --no-loop --duration 600 --rate 400 239.1.1.2%s0:5000
second=$started
terminal 80 24 "'$ctl' top --interval 0.5"
comes "RULE"
"$ctl" standby two >/dev/null
comes " standby "
duties=$(awk '$1 == "one" || $1 == "two" { print $1, $2 }' "$work/screen" | sort | xargs)
expect "duties" "$duties" "one active two standby"
"$ctl" active two >/dev/null
wait_for near one IN/s 720 880 || fail "no rate of about 800 in: $(cat "$work/screen")"
wait_for near two IN/s 360 440 || fail "no rate of about 400 in: $(cat "$work/screen")"
wait_for near two LOST/s 300 440 || fail "no loss of nearly 400 in: $(cat "$work/screen")"
expect "the first row" "$(awk '$1 == "RULE" { getline; print $1 }' "$work/screen")" one
wait_for coloured "most by rate_limited" 31 || fail "a loss is not red"
term send-keys 6
comes "1-"
wait_for coloured "rate_limited" 31 || fail "the cause is not red: $(cat -v "$work/screen")"
term send-keys 3
comes "239.2.2.2%out0:6000"
term send-keys 4
comes "TURNS/s"
term send-keys 5
comes "EMPTY/s"
term send-keys 1
comes "IN bit/s"
stop "$first"
stop "$second"
wait_for coloured "most by rate_limited" 33 || fail "a loss of the past is not yellow"

# Any size, and what is found by typing.
wait_for keeps_to 80 24 || fail "not 80x24: $(cat "$work/screen")"
for size in 40x10 200x60 20x5 80x24; do
    term resize-window -x "${size%x*}" -y "${size#*x}"
    case $size in
    40x10) wait_for keeps_to 40 10 || fail "not 40x10: $(cat "$work/screen")" ;;
    20x5) comes "RULE" ;;
    200x60)
        comes "OUT/SEND"
        wait_for keeps_to 200 60 || fail "not 200x60: $(cat "$work/screen")"
        ;;
    esac
done
term send-keys /TWO Enter
comes "'TWO' 1-1 of 1"
! grep -q '^one ' "$work/screen" || fail "a row is shown that the filter leaves out"
term send-keys Escape
comes "1-2 of 2"

# The daemon goes and comes again.
relay_stop
comes "trying again"
relay_start "${rules[@]}"
comes "nothing lost"
comes "in 0/s"
! grep -q 'trying again' "$work/screen" || fail "it is still said that the daemon is gone"
! grep -qE -e '-[0-9]+(\.[0-9]+)?[kM]?  ' "$work/screen" || fail "a negative rate"
term send-keys q
wait_for test -e "$work/status" || fail "top does not end"
expect "exit status of top" "$(cat "$work/status")" 0

# Without a terminal that can.
bounded "$ctl" top --count 2 --interval 0.2 >"$work/plain" 2>"$work/plain.log"
expect "exit status of plain pictures" $? 0
expect_words "why" "$work/plain.log" "plain text follows: this is no terminal"
expect "plain pictures" "$(grep -c '^RULE ' "$work/plain")" 2
expect "no escape in them" "$(grep -c $'\033' "$work/plain")" 0
COLUMNS=40 bounded "$ctl" top --view outputs --count 1 --interval 0.2 >"$work/plain" 2>/dev/null
expect_cmp "width of a narrow one" "$(wc -L <"$work/plain")" -le 40
bounded "$ctl" top --json --count 2 --interval 0.2 >"$work/plain" 2>"$work/plain.log"
expect "rates in JSON" "$(jq -s 'map(.stats.rates.received, (.rules | length)) | map(floor) |
    join(" ")' -r "$work/plain")" "0 2 0 2"
expect "nothing said" "$(cat "$work/plain.log")" ""
terminal 80 24 "TERM=dumb '$ctl' top --count 1 --interval 0.2 2>'$work/dumb.log' >'$work/dumb'"
wait_for test -e "$work/status" || fail "top does not end"
terminal 80 24 "TERM=dumb '$ctl' top --count 1 --interval 0.2 >'$work/tty.log' 2>&1"
wait_for test -e "$work/status" || fail "top does not end"
expect_words "plain text" "$work/tty.log" "RULE"
relay_stop
bounded "$ctl" top >"$work/plain" 2>"$work/plain.log"
expect "exit status without a daemon" $? 3
