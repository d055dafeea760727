#!/bin/bash
# engines: none
# A namespace outlives this story.
. "$NC_SRCDIR/tests/net/lib/story.sh"
ip netns add "$(ns left)"
