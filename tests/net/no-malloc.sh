#!/bin/bash
# shellcheck disable=SC2034
# builds: plain
# also: trains
# After start a shard allocates nothing, takes no lock and writes nothing: a preloaded library
# counts such calls by the shards' threads while traffic of all kinds passes.
. "$(dirname "$0")/lib/story.sh"
story "shards allocate nothing after start"
topo_line
counter=$build_top/tests/fake/malloc_count.so
[ -f "$counter" ] || fail_now "$counter is not built"

# watch: counts from here on, from zero.
watch() {
    printf '\1%47s' "" | tr ' ' '\0' | dd of="$work/counts" conv=notrunc status=none
}

watch
relay_wrapper=(env LD_PRELOAD="$counter" MALLOC_COUNT_FILE="$work/counts"
    MALLOC_COUNT_THREAD=shard-)

# counts: allocations, frees, mappings, locks and writes so far.
counts() {
    od -A n -t u8 -w48 "$work/counts" | awk '{ print $2, $3, $4, $5, $6 }'
}

relay_start --shards 2 --oversubscribe --pool small=64,standard=64,jumbo=64,train=8 \
    --rule "239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000" \
    --rule "239.1.3.1%in0:5000 -> 10.77.2.77:6000"
read -r _ _ mapped _ <<<"$(counts)"
expect_cmp "the counter sees shards map their memory at start" "$mapped" -ge 2
expect "shard threads" "$(cat "/proc/$daemon_pid"/task/*/comm | grep -c ^shard-)" 2
watch
send src 239.1.1.0/28%s0:5000 --count 20000 --rate unlimited --burst 512
send src 239.1.1.0/28%s0:5000 --count 1000 --rate 2000 --size 0-9000
send src 239.1.3.1%s0:5000 --count 1000 --rate 5000
relay_settle
expect "allocations, frees, mappings, locks, writes by shards" "$(counts)" "0 0 0 0 0"
printf '\0' | dd of="$work/counts" conv=notrunc status=none
relay_stop
expect_cmp "relayed" "$(reported .totals.relayed)" -gt 1000
