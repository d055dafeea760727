#!/bin/bash
# engines: uring
# builds: plain
# shellcheck disable=SC2154
# The day that doc/OPERATIONS.md tells of can be lived: its script loses nothing, and still says
# what the document shows.
. "$(dirname "$0")/lib/story.sh"
story "a day of an operator goes as doc/OPERATIONS.md says"
NC_BUILDDIR=$build_top bounded bash "$src_top/etc/demo/day.sh" >"$work/day" 2>&1
expect "exit status of the day" $? 0
for chapter in Plan Start Watch Change "A wrong reload" "A broken cable" Balance \
    "Upgrade under traffic"; do
    expect_words "a chapter" "$work/day" "## $chapter"
done
expect_words "a wrong line" "$work/day" "numacastd.conf:6: '239.2.2.9%lan' has no port"
expect_words "a broken cable" "$work/day" "degraded: the link of its interface is down"
expect_words "an upgrade" "$work/day" "store: of 2 sockets of flows 2 go on"
expect "receivers that have everything" \
    "$(grep -c 'received, 0 lost, 0 doubled, 0 out of order' "$work/day")" 2
