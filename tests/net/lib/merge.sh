# merge.sh - feeds that come by several ways. Part of the stories of merges.
#
#                             .-- pa -- a0 --.
#   src:s0 --(wire 1)-- sw ---+-- pb -- b0 --+-- mid -- out0 --(wire 2)-- d0:dst
#                             '-- pc -- c0 --'
#
# sw is a switch that floods, so each leg brings the same; what is lost on one is lost there only.
# shellcheck shell=bash disable=SC2154,SC2034
field=seq=u64be@16,session=8@8 # where numacast-probe has its number
apart="skew=5000 window=65536" # so far a busy relay may read what came to two sockets at once

# merge_topo LEG...: with those of the legs a, b and c.
merge_topo() {
    local leg
    ns_add src sw mid dst
    in_ns sw ip link add br0 type bridge mcast_snooping 0
    in_ns sw ip link set br0 up
    veth_pair src s0 sw p0
    address src s0 10.77.1.1/24 fd77:1::1/64
    in_ns sw ip link set p0 master br0 up
    for leg in "$@"; do
        veth_pair sw "p$leg" mid "${leg}0"
        in_ns sw ip link set "p$leg" master br0 up
        in_ns mid ip link set "${leg}0" up
        in_ns mid nft -f - <<NFT || skip "nft cannot filter at an interface"
table netdev $leg {
    counter lost { }
    chain loss { type filter hook ingress device ${leg}0 priority 0; }
}
NFT
        wait_for carrier mid "${leg}0" || fail_now "${leg}0 does not come up"
    done
    wire 2 mid out0 dst d0
    in_ns src ip route add 224.0.0.0/4 dev s0
    in_ns dst ip route add 224.0.0.0/4 dev d0
}

# merge_lose LEG PERMILLE LAST: drops so many of what the leg brings, but not what has the number 0
# or is near LAST: what all legs lose there nobody can know. Whole trains, and those whole.
merge_lose() {
    in_ns mid nft -f - <<NFT
flush chain netdev $1 loss
add rule netdev $1 loss udp dport 5000 @th,224,32 > 7 @th,224,32 < $(($3 - 8)) \
    numgen random mod 1000 < $2 counter name lost drop
NFT
}

# merge_lost LEG: datagrams dropped since the last time.
merge_lost() {
    local each=1
    [ ${#send_extra[@]} -eq 0 ] || each=${send_extra[1]}
    in_ns mid nft -j reset counter netdev "$1" lost |
        jq "[.nftables[].counter.packets // empty] | add * $each"
}
