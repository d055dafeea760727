# pool.sh - what a datagram buffer costs; the program tells its own story.
# shellcheck shell=bash disable=SC2034,SC2154

pool_suite() {
    run_program pool_bench --cpu 0
}
