#!/bin/bash
# shellcheck disable=SC2154,SC2034,SC2016
# also: trains
# A planned change of machines amid the datagrams of four senders: by etc/ha/numacast-switch one
# machine holds, the other stands by and says from which datagrams on, the virtual addresses (src=)
# go over, and the first relays from there on. None is lost and none is doubled, forth by the
# address, and back by orders alone, from one that is behind. A hold that nobody follows ends by
# itself.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/pair.sh"
story "two machines change places without a datagram lost or doubled"
rate=${RATE:-$(rate_of 10000 2000)} senders=4 # the rate is of all together
pair_topo

for name in ra rb; do
    {
        echo "rule 239.1.1.1%in0:5000 name=four -> 239.2.2.1%out0:6000 src=10.77.2.9"
        echo "rule [ff3e::1%in0]:5000 name=six -> [ff3e::2%out0]:6000 src=fd77:2::9"
        echo "rule 239.1.1.3%in0:5000 name=own -> 239.2.2.3%out0:6000"
    } >"$work/$name.conf"
    pair_start $name --config "$work/$name.conf" --rcvbuf 32M --shards 1
    printf '#!/bin/sh\nexec %s --control %s "$@"\n' "$ctl" \
        "$work/$name.control" >"$work/$name.ctl"
    chmod +x "$work/$name.ctl"
done

# address_on NAME, address_off NAME: the virtual addresses come there, or go.
address_on() {
    in_ns "$1" ip addr add 10.77.2.9/32 dev out0
    in_ns "$1" ip addr add fd77:2::9/128 dev out0 nodad
}
address_off() {
    in_ns "$1" ip addr del 10.77.2.9/32 dev out0
    in_ns "$1" ip addr del fd77:2::9/128 dev out0
}

# sends NAME COUNT: whether it has sent so many by now.
sent_by() {
    pair_ctl "$1" show rules --json | jq '[.rules[].sent] | add'
}
sends() {
    [ "$(sent_by "$1")" -ge "$2" ]
}

# switch FROM TO [MOVE]...: the machines change places, which must succeed.
switch() {
    local from=$1 to=$2
    shift 2
    bash "$src_top/etc/ha/numacast-switch" "$work/$from.ctl" "$work/$to.ctl" "$@" \
        >"$work/switch.log" 2>&1 || fail "$from and $to do not change places"
    cat "$work/switch.log"
    # A sender that could not send at that moment, since the machine was busy, has no mark.
    read -r met marks < <(sed -n \
        's/.* \([0-9]*\) of \([0-9]*\) senders went on at their marks.*/\1 \2/p' "$work/switch.log")
    expect "$to takes over: senders that went on at their marks" "${met:-unknown}" "${marks:-none}"
    marks_of_all=$((marks_of_all + marks))
}
marks_of_all=0
export -f address_on address_off in_ns ns
export ns_prefix
move() {
    address_off ra
    sleep 0.02
    address_on rb
}

export -f move
address_on ra
recv_start four dst --rcvbuf 32M 239.2.2.1%d0:6000
recv_start six dst --rcvbuf 32M "[ff3e::2%d0]:6000"
pair_ctl rb hold --for 50 >/dev/null
wait_for grep -q "hold: nobody took over within 50 ms" "$work/rb.log" ||
    fail "a hold that nobody follows does not end"
for marks in '{}' '{"since_ns": 1, "marks": ["what is no mark"]}'; do
    pair_ctl rb active --after - <<<"$marks" 2>"$work/refused"
    expect "status of $marks" $? "$([ "$marks" = '{}' ] && echo 2 || echo 1)"
    expect_words "$marks" "$work/refused" "marks"
done
# A rule that the second relays anyway: the first has nothing to hand over, and none waits for it.
pair_ctl ra standby own >/dev/null
recv_start own dst 239.2.2.3%d0:6000
start_in src "$probe" send --quiet --json --no-loop "${send_extra[@]}" 239.1.1.3%s0:5000 \
    --count 1000 --rate 2000 >"$work/own-sent.json"
owner=$started
wait_up "$owner" sends rb 100 || fail "the second does not relay its own rule"
pair_ctl rb hold --for 60000 own >/dev/null
pair_ctl ra standby --marks own >"$work/marks"
pair_ctl rb active --after "$work/marks" own >"$work/own.log"
expect_words "a rule that does not change" "$work/own.log" "0 of 0 senders went on at their marks"
wait_end "$owner"
recv_stop own
expect "own: received, lost, doubled, out of order" \
    "$(got own '.total | [.received, .lost, .duplicated, .reordered] | join(" ")')" "1000 0 0 0"
for ((i = 0; i < senders; i++)); do
    group=239.1.1.1%s0:5000
    [ $((i % 2)) -eq 0 ] || group="[ff3e::1%s0]:5000"
    start_in src "$probe" send --quiet --json --no-loop "${send_extra[@]}" "$group" \
        --count 100M --rate $((rate / senders)) >"$work/sent$i.json"
    sending[i]=$started
done
wait_up "${sending[0]}" sends ra $((rate / 2)) || fail "the first relays nothing"
switch ra rb bash -c move
wait_up "${sending[0]}" sends rb $((rate / 2)) || fail "the second relays nothing"
# Back, while both have the addresses, so that only orders decide.
pair_ctl ra standby >/dev/null
address_on ra
# The one that goes is far behind: it has not relayed yet what came before the other one held.
printf '#!/bin/sh\n[ "$1" != hold ] || { kill -STOP %s; sleep 0.3; }\nexec %s "$@"\n' \
    "${pair_pid[rb]}" "$work/ra.ctl" >"$work/ra-late.ctl"
printf '#!/bin/sh\nkill -CONT %s\nexec %s "$@"\n' "${pair_pid[rb]}" "$work/rb.ctl" \
    >"$work/rb-late.ctl"
chmod +x "$work"/r?-late.ctl
switch rb-late ra-late
expect_cmp "marks of both changes" $marks_of_all -gt 0
before=$(sent_by ra)
wait_up "${sending[0]}" sends ra $((before + rate / 2)) || fail "the first does not relay again"
for sender in "${sending[@]}"; do
    kill -TERM "$sender"
    wait_for dead "$sender" || fail "a sender does not end"
    wait_end "$sender"
done
recv_stop four
recv_stop six
pair_stop ra
pair_stop rb
sent=$(jq -s 'map(.sent) | [.[0] + .[2], .[1] + .[3]] | join(" ")' -r "$work"/sent?.json)
for sink in four six; do
    count=${sent% *}
    [ $sink = four ] || count=${sent#* }
    expect "$sink: received, lost, doubled, out of order" \
        "$(got $sink '.total | [.received, .lost, .duplicated, .reordered] | join(" ")')" \
        "$count 0 0 0"
done
