#!/bin/bash
# engines: none
# A process outlives this story, in a session of its own and with another parent.
setsid sleep 600 &
echo "done"
