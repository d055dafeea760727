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
# sender's device cuts up (net_cut), more than any relay here can take. TABLE FIGURE CASE PARAM
# against CASE PARAM OP BOUND TITLE, divided by |; without a second case the figure itself is
# compared.
number_list=(
    "trains|rate|uring|40|smcroute|40|>=|0.9|trains in and out: datagrams/s, of the kernel's"
    "trains|rate|uring|40|smcroute-steered|40||$(
    )|... of the kernel's when forwarding has a processor to itself (no bound)"
    "trains|cpu|uring|40|mmsg-singles|40|<=|0.12|trains in and out: CPU, of the baseline's"
    "singles|cpu|$wait50|1|mmsg-singles|1|<=|0.45|singles, --batch-wait 50: CPU, of the baseline's"
    "singles|cpu|$wait50|1|socat|1|<=|0.12|singles, --batch-wait 50: CPU, of socat's"
    "trains|calls|uring|40|||<=|0.02|trains: system calls per datagram"
    "singles|calls|$wait50|1|||<=|0.2|singles, --batch-wait 50: system calls per datagram"
    "latency|p50|uring|50000|mmsg-singles|50000|<=|1|50000/s: p50 of latency, of the baseline's"
    "latency|p99|uring|50000|mmsg-singles|50000|<=|1|50000/s: p99 of latency, of the baseline's"
    "latency|p50|$spin50|50000|mmsg-singles|50000|<=|0.75|$(
    )50000/s, --spin 50: p50 of latency, of the baseline's"
    "outputs-trains|cpu|uring|16|uring|1|<=|0.7|16 outputs, trains: CPU per output, of that with 1"
    "outputs|cpu|uring|16|uring|1|<=|0.7|16 outputs, singles: CPU per output, of that with 1"
    "groups-trains|cpu|uring|1024|uring|1|<=|1.25|1024 groups, trains: CPU, of that with 1"
    "groups|cpu|uring-singles|1024|uring-singles|1|<=|1.25|$(
    )1024 groups, trains off: CPU, of that with 1"
)

numbers_suite() {
    local run
    raw=$out/numbers-raw.csv
    echo "$raw_columns" >"$raw"
    for ((run = 1; run <= runs; run++)); do
        numbers_measure "$run"
    done
    numbers_judge | tee "$work/numbers.csv" >/dev/null
    numbers_pool >>"$work/numbers.csv"
    mv "$work/numbers.csv" "$out/numbers.csv"
    printf '\nNumbers to reach: medians of the ratios of %s runs\n' "$runs"
    print_csv <"$out/numbers.csv"
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

# numbers_judge: CSV of each number, its bound, and whether it was reached.
numbers_judge() {
    local line
    echo "what,is,lowest,highest,bound,reached"
    for line in "${number_list[@]}"; do
        awk -F, -v spec="$line" "$awk_median"'
        function figure(name,    relayed) {
            relayed = $at["relayed"]
            if (name == "rate") return ratio($at["received"], $at["seconds"])
            if (name == "cpu") return ratio($at["relay_ns"], relayed)
            if (name == "calls") return ratio($at["syscalls"], relayed)
            return $at[name "_ns"]
        }
        BEGIN { split(spec, s, "|") }
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["table"] == s[1] && $at["case"] == s[3] && $at["param"] == s[4] {
            a[$at["run"]] = figure(s[2]); last = $at["run"]
        }
        $at["table"] == s[1] && $at["case"] == s[5] && $at["param"] == s[6] {
            b[$at["run"]] = figure(s[2])
        }
        END {
            for (r = 1; r <= last; r++) {
                if (!(r in a) || (s[5] != "" && b[r] == 0)) continue
                v = s[5] == "" ? a[r] : a[r] / b[r]
                list = list " " v
                if (low == "" || v < low) low = v
                if (v > high) high = v
            }
            if (list == "") exit
            is = median(list)
            ok = s[7] == "" ? "-" : (s[7] == "<=" ? is <= s[8] : is >= s[8]) ? "yes" : "NO"
            gsub(/,/, ";", s[9])
            printf "%s,%.4f,%.4f,%.4f,%s,%s\n", s[9], is, low, high, s[7] " " s[8], ok
        }' "$raw"
    done
}

# numbers_plot: how much of each bound is used; what is below 1 is reached.
numbers_plot() {
    awk -F, 'NR == 1 { print "what,of_its_bound"; next }
    split($5, bound, " ") == 2 && bound[2] > 0 {
        print $1 "," (bound[1] ~ /</ ? $2 / bound[2] : bound[2] / $2)
    }' "$out/numbers.csv" >"$out/numbers-bounds.csv"
    gnuplot_svg "$out/numbers-bounds.svg" "numbers, each of its bound: reached below 1" <<-END
	unset key
	set yrange [*:*] reverse
	set ytics noenhanced font ",9"
	set xrange [0:1.6]
	set arrow from 1, graph 0 to 1, graph 1 nohead dashtype 2
	set style fill solid 0.85 noborder
	plot "$out/numbers-bounds.csv" skip 1 using (\$2/2):0:(\$2/2):(0.35):ytic(1) \\
		with boxxyerror lc 1 title ""
	END
}

numbers_pool() {
    local flags=()
    ! $quick || flags=(--quick)
    "$build/bench/pool_bench" --cpu 0 --csv "$work" "${flags[@]}" >"$work/pool.txt" ||
        { say "pool_bench fails"; return; }
    awk -F, 'NR > 1 { printf "pool: %s,%s,-,-,%s,%s\n", $1, $2, $3, $4 }' "$work/pool_targets.csv"
}
