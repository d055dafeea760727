#!/bin/bash
# engines: none
# A story that would never end, with something in the foreground and in the background.
. "$NC_SRCDIR/tests/net/lib/story.sh"
ns_add here
start_in here sleep 600
sleep 600
