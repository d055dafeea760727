#!/bin/bash
# engines: uring+fast
# This is to be told with the fast path, and nothing is relayed in the kernel.
. "$NC_SRCDIR/tests/net/lib/story.sh"
