# waits_mmsg.sh - what waits measures (waits.sh), by the other engine.
# shellcheck shell=bash

waits_mmsg_suite() {
    waits_by mmsg
}
