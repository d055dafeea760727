# pool.sh - what a datagram buffer costs; the program tells its own story.
# shellcheck shell=bash disable=SC2034,SC2154

pool_suite() {
    local flags=()
    ! $quick || flags=(--quick)
    "$build/bench/pool_bench" --cpu 0 --csv "$out" "${flags[@]}" || die "pool_bench fails"
}
