#!/bin/bash
# shellcheck disable=SC2154
# Two machines share 32 flows by a list in a file: each flow is relayed by one of them and stood by
# for by the other. A third name in the list takes its part away from both, and gives it back, and
# nothing else moves: what stays is not touched. A list without us, or without anybody, changes
# nothing.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/pair.sh"
story "machines share flows by a list, and a change of it moves what must move"
flows=32
pair_topo

# list NAMES: what all machines have from now on.
list() {
    tr ' ' '\n' <<<"$1" >"$work/members.new" && mv "$work/members.new" "$work/members"
}

# hash NAME: of the list that a machine goes by.
hash() {
    pair_ctl "$1" show rules --json | jq -r .members.hash
}
same_list() {
    [ "$(hash ra) $(hash rb)" = "$1 $1" ]
}

# reloaded TIMES: whether both have done so.
reloaded() {
    [ "$(grep -c "reload: done" "$work/ra.log")" -ge "$1" ] &&
        [ "$(grep -c "reload: done" "$work/rb.log")" -ge "$1" ]
}

# duties NAME: how many flows it relays, and stands by for.
duties() {
    pair_ctl "$1" show flows --json |
        jq -r '[.flows[].state] | "\(map(select(. == "live")) | length) \(map(select(. ==
            "standby")) | length)"'
}

# tell: a hundred datagrams to each group.
tell() {
    send src 239.1.1.0%s0:5000 --groups $flows --count $((100 * flows)) --rate 40000
    relay_settle
}

rule="239.1.1.0/27%in0:5000 name=all -> 239.2.2.0/27%out0:6000"
list "ra rb"
for name in ra rb; do
    pair_start $name --member $name --members "$work/members" --shards 1 --rule "$rule"
done
recv_start sink dst 239.2.2.0%d0:6000 --groups $flows
read -r ra_relays ra_stands <<<"$(duties ra)"
expect "the other relays what the first stands by for" "$(duties rb)" "$ra_stands $ra_relays"
expect "all flows" $((ra_relays + ra_stands)) $flows
tell
two=$(hash ra)
planned=$("$daemon" --plan=json --rule "$rule" --member rb --members ra,rb,rc |
    jq '[.members.flows[] | select(.active == "rc")] | length')
list "rc ra rb"
wait_for same_list "$("$daemon" --plan=json --rule "$rule" --member ra --members ra,rb,rc |
    jq -r .members.hash)" || fail "the longer list is not in force: $(hash ra) $(hash rb)"
wait_for reloaded 1 || fail "the change to the longer list does not end"
expect_cmp "flows of the one that came" "$planned" -gt 0
relayed=$(($(duties ra | cut -d' ' -f1) + $(duties rb | cut -d' ' -f1)))
expect "relayed by the two" $relayed $((flows - planned))
tell
kept=$(sed -n 's/.*flows: \([0-9]*\) kept, 0 moved, 0 added, \([0-9]*\) removed.*/\1 \2/p' \
    "$work/ra.log")
expect "of the first: kept, removed" "$((${kept% *} + ${kept#* })) of $flows" "$flows of $flows"
list "rc rd"
wait_for grep -q "is none of --members" "$work/ra.log" || fail "a list without us is not refused"
: >"$work/members"
wait_for grep -q "no member" "$work/ra.log" || fail "an empty list is not refused"
list "ra rb"
wait_for same_list "$two" || fail "the first list is not in force again: $(hash ra) $(hash rb)"
wait_for reloaded 2 || fail "the change back does not end"
read -r ra_relays ra_stands <<<"$(duties ra)"
expect "as before" "$((ra_relays + ra_stands)) $(duties rb)" "$flows $ra_stands $ra_relays"
tell
mkfifo "$work/members.new" && mv "$work/members.new" "$work/members" # nobody writes to it
wait_for grep -q "it is no regular file" "$work/ra.log" || fail "a pipe is not refused"
same_list "$two" || fail "a list that is a pipe keeps somebody waiting"
recv_stop sink
pair_stop ra
pair_stop rb
expect "received, of three times all, and without those of the third" \
    "$(got sink .total.received)" $((3 * 100 * flows - 100 * planned))
expect "doubled" "$(got sink .total.duplicated)" 0
