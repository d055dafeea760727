#!/bin/bash
# also: fast
# shellcheck disable=SC2154
# One flow floods, beside many small ones on the same shard, with few buffers for all of them. What
# the flood loses it loses in its own socket; the small ones lose, double and reorder nothing, and
# go on after it.
. "$(dirname "$0")/lib/story.sh"
story "a flood beside many small flows"
topo_line
flows=128
each=20
outputs="239.2.2.1%out0:6000"
for i in 2 3 4 5 6 7 8; do
    outputs+=", 239.2.2.$i%out0:6000"
done
relay_start --shards 1 --pool train=16 --rcvbuf 256K \
    --rule "239.1.1.1%in0:5000 -> $outputs" \
    --rule "239.3.0.0/25%in0:5000 -> 239.4.0.0/25%out0:6000"
recv_start sink dst 239.4.0.0/25%d0:6000
start_in src "$probe" send --quiet --no-loop --rate 400000 --gso 50 --size 400 --duration 600 \
    239.1.1.1%s0:5000 2>"$work/flood.log"
flood=$started
send src 239.3.0.0/25%s0:5000 --rate $((flows * 20)) --count $((flows * each))
kill -TERM "$flood"
wait_for dead "$flood" || fail "the flood does not end"
send src 239.3.0.0/25%s0:5000 --rate $((flows * 20)) --count $((flows * each / 4))
relay_stop
recv_clean sink $((flows * each * 5 / 4))
expect "received of the small flows" "$(reported '.rules[1].received')" $((flows * each * 5 / 4))
expect "lost of them before the relay" "$(reported '.rules[1].kernel_drops')" 0
expect_cmp "received of the flood" "$(reported '.rules[0].received')" -ge 1000
echo "the flood: $(reported '.rules[0].flows[0] | {received, kernel_drops, starved, set_apart}')"
echo "starved of the others: $(reported '[.rules[1].flows[].starved] | add')"
