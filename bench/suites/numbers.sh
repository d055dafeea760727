# numbers.sh - the numbers that numacast set out to reach, each as a ratio within one run.
#
# The two sides of a ratio are measured in turn, A B A B, under the same load; the ratio is taken of
# each pair and the median of the ratios is compared with its bound. The baseline is mmsg-singles:
# epoll, recvmmsg and sendmmsg, no trains. The last lines are the pool's, from its own program.
# shellcheck shell=bash disable=SC2034,SC2154

wait50='uring:--batch-wait 50'
spin50='uring:--spin 50'

# Where CPU is compared nobody receives: a receiver on the same machine would be woken, and its
# cache filled, at the relay's expense, which no network does. `singles' are trains that the
# sender's device cuts up (net_cut), more than any relay here can take.

numbers_suite() {
    local run
    raw=$out/numbers-raw.csv
    echo "$raw_columns" >"$raw"
    for ((run = 1; run <= runs; run++)); do
        numbers_measure "$run"
    done
    numbers_pool
    numbers_judge
    numbers_plot
}

numbers_measure() {
    local case count
    for case in uring smcroute smcroute-steered mmsg-singles; do
        load_set gso=40 receiver=none
        measure trains "$case" 40 "$1" "$case"
    done
    for case in "$wait50" mmsg-singles socat; do
        load_set gso=40 cut=on receiver=none
        measure singles "$case" 1 "$1" "$case"
    done
    for case in uring mmsg-singles "$spin50"; do
        load_set rate=50000
        measure latency "$case" 50000 "$1" "$case"
    done
    for count in 1 16; do
        load_set "outputs=$count" gso=40 receiver=none
        measure outputs-trains uring "$count" "$1" uring
        load_set "outputs=$count" gso=40 cut=on receiver=none
        measure outputs uring "$count" "$1" uring
    done
    for count in 1 1024; do
        load_set "groups=$count" gso=40 receiver=none
        measure groups-trains uring "$count" "$1" uring
        load_set "groups=$count" receiver=none
        measure groups uring-singles "$count" "$1" uring-singles
    done
}

numbers_pool() {
    local flags=()
    ! $quick || flags=(--quick)
    if "$build/bench/pool_bench" --cpu 0 --csv "$work" "${flags[@]}" >"$work/pool.txt"; then
        mv "$work/pool_targets.csv" "$out/numbers-pool.csv"
    else
        fault "pool_bench fails"
    fi
}

# numbers_judge: a table of each number and its bound; one that is missed is a fault.
numbers_judge() {
    local peer without=()
    for peer in smcroute socat; do
        relay_known $peer || without+=(--without "$peer")
    done
    printf '\nNumbers to reach: medians of the ratios of %s runs\n' "$runs"
    "$here/judge.py" "$raw" "$out/numbers-pool.csv" "${without[@]}" --csv "$out/numbers.csv" ||
        fault "numbers were missed"
}

# numbers_plot: how much of each bound is used; what is below 1 is reached.
numbers_plot() {
    [ -f "$out/numbers.csv" ] || return 0
    gnuplot_svg "$out/numbers-bounds.svg" "numbers, each of its bound: reached below 1" <<-END
	unset key
	set yrange [*:*] reverse
	set ytics noenhanced font ",9"
	set xrange [0:1.6]
	set arrow from 1, graph 0 to 1, graph 1 nohead dashtype 2
	set style fill solid 0.85 noborder
	plot "< grep -v ',\$' '$out/numbers.csv'" skip 1 \\
		using (\$7/2):0:(\$7/2):(0.35):ytic(1) with boxxyerror lc 1 title ""
	END
}
