#!/bin/bash
# also: trains
# Receive buffers of 4 KiB under load: what a filter refused is not lost, and what is lost is
# counted exactly, of a multicast flow for all its shares together, of a unicast one at each.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/lib/spread.sh"
story "divided flows overflow"
spread_topo
spread_rules ""
relay_start --shards 8 --oversubscribe --rcvbuf 4096 "${rules[@]}"
recv_start sink dst "${sinks[@]}"

# rcvbuf_errors: of both families, what sockets in the relay's namespace had no room for.
rcvbuf_errors() {
    in_ns mid nstat -asz Udp6RcvbufErrors UdpRcvbufErrors | awk '$2 ~ /[0-9]/ { n += $2 }
        END { print n }'
}

before=$(rcvbuf_errors)
spread_send --count-per-flow 400 --rate unlimited --burst 64
relay_stop
recv_stop sink
lost=$(reported .totals.kernel_drops)
expect_cmp "lost by the kernel" "$lost" -gt 0
expect "lost, as the kernel counts it" "$(($(rcvbuf_errors) - before))" "$lost"
expect "the rules' losses together" "$(reported '[.rules[].kernel_drops] | add')" "$lost"
expect "arrived is sent" "$(got sink .total.received)" "$(reported .totals.sent)"
expect "none twice, none late" \
    "$(got sink '[.total.duplicated, .total.reordered, .total.corrupt] | join(" ")')" "0 0 0"
expect "seen by some sockets only" \
    "$(reported '[.rules[].flows[].spread.outside // 0] | add')" 0
for k in 2 4 8; do
    for kind in m4 m6; do
        expect "$kind over $k: pieces that each share's socket has seen" \
            "$(reported "[.rules[] | select(.rule == \"$kind-$k\") | .flows[].spread.pieces]
                | unique | length")" 1
        expect "$kind over $k: received, lost and refused are what was seen" "$(reported "
            .rules[] | select(.rule == \"$kind-$k\")
            | .pieces + .kernel_drops + .not_mine == $k * .flows[0].spread.pieces")" true
    done
done
if [ ${#send_extra[@]} -eq 0 ]; then
    relay_accounts "$(spread_all 400)"
fi
