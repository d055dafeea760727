#!/bin/bash
# engines: none
# A story that fails the first time, when the kernel drops datagrams meanwhile, and not again.
. "$NC_SRCDIR/tests/net/lib/story.sh"
[ -e "$SOFTNET.told" ] || fail "what the kernel dropped is missing"
touch "$SOFTNET.told"
echo "00000000 0000000b 00000000" >"$SOFTNET"
