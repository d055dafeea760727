# sites.sh - two sites with a network between them, and what doc/SITES.md tells of them. Part of the
# stories of sites.
#
#   src:s0 --- in0:a:wan0 -- 10.2.0.0/24 -- wan0:b:out0 --- d0:dst
#                  a:wan1 -- 10.6.0.0/24 -- wan1:b
#
# shellcheck shell=bash disable=SC2154,SC2034
site_extra=() # arguments of both relays
declare -A site_pid
declare -A site_wg # of who is a WireGuard device there
declare -A site_rules=([a]='' [b]='')
site_without='nothing' # a line of the document for which the story has something else

# site_topo: lays them out.
site_topo() {
    ns_add src a b dst
    wire 1 src s0 a in0
    wire 2 b out0 dst d0
    in_ns src ip route add 224.0.0.0/4 dev s0
    in_ns dst ip route add 224.0.0.0/4 dev d0
    site_wire wan0 10.2.0
    site_wire wan1 10.6.0
}

# site_wire IF NET: a way between them.
site_wire() {
    veth_pair a "$1" b "$1"
    in_ns a ip addr add "$2.1/24" dev "$1"
    in_ns b ip addr add "$2.2/24" dev "$1"
    in_ns a ip link set "$1" up
    in_ns b ip link set "$1" up
    wait_for carrier a "$1" || fail_now "$1 does not come up"
}

# site_example NAME: the lines below `# NAME' in the document.
site_example() {
    awk -v name="# $1" '/^```/ { on = 0 } on; $0 == name { on = 1 }' "$src_top/doc/SITES.md"
}

# site SITE NAME: does there what the document says under `NAME at SITE'. What numacastd is to relay
# is kept for site_start, so that one relay at each end does it all.
site() {
    local line lines
    lines=$(site_example "$2 at ${1^}")
    [ -n "$lines" ] || fail_now "the document has nothing on: $2 at ${1^}"
    while read -r line; do
        case $line in
        "$site_without") ;;
        numacastd*) site_rules[$1]+=" ${line#numacastd}" ;;
        wg*) site_do "$1" "nsenter -t ${site_wg[$1]} -m -n --wd=$work $line" ;;
        *) site_do "$1" "in_ns $1 $line" ;;
        esac
    done <<<"$lines"
}

# site_do SITE WORDS: where the keys are.
site_do() {
    (cd "$work" && eval "$2") || fail_now "at $1: $2"
}

# site_start SITE: its relay, in $site_pid.
site_start() {
    local words
    eval "words=(${site_rules[$1]})"
    start_in "$1" "$daemon" --engine "$ENGINE" --control off --exit-report "$work/$1.json" \
        "${words[@]}" "${site_extra[@]}" 2>"$work/$1.log"
    site_pid[$1]=$started
    wait_ready "$started" "$work/$1.log" || fail_now "the relay at $1 is not ready, or has ended"
}

# site_stop: ends both, first that of the senders. The sums of both must agree.
site_stop() {
    local at
    for at in a b; do
        relay_settle
        stop "${site_pid[$at]}"
        expect "exit status of the relay at $at" $? 0
        python3 "$src_top/tests/net/lib/report.py" "$work/$at.json" ||
            fail "the sums of the exit report of $at do not agree"
    done
}

# site_lose SITE IF PERMILLE: drops so many of the UDP datagrams that come in there; 0: none.
site_lose() {
    in_ns "$1" nft -f - <<NFT || skip "nft cannot filter at an interface"
table netdev lose_$2
delete table netdev lose_$2
table netdev lose_$2 {
    counter lost { }
    chain loss {
        type filter hook ingress device $2 priority 0;
        meta l4proto udp numgen random mod 1000 < $3 counter name lost drop
    }
}
NFT
}

# site_lost SITE IF: datagrams dropped since site_lose.
site_lost() {
    in_ns "$1" nft -j list counter netdev "lose_$2" lost |
        jq '[.nftables[].counter.packets // empty] | add'
}
