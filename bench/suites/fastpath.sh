# fastpath.sh - what is relayed in the kernel, against the same daemon's shards and the kernel's own
# forwarding.
#
# On a veth the program runs in the time of whoever sends, as the kernel's forwarding does, so all
# but latency is told of sender and relay together: the sender's system calls with the softirqs that
# end them, ksoftirqd of both processors, and all threads of the relay. The sender has ordinary
# sockets, but for small singles, which are frames so that more come than the shards can take. What
# the sender pays by itself is measured with a relay that is no member of the group.
# shellcheck shell=bash disable=SC2034,SC2154

fast='uring:--fastpath require'

fastpath_suite() {
    local run table
    raw=$out/fastpath-raw.csv
    echo "$raw_columns" >"$raw"
    for ((run = 1; run <= runs; run++)); do
        fastpath_measure trains-1 1316 "$fast uring smcroute alone" gso=40 receiver=none
        fastpath_measure trains-8 1316 "$fast uring" gso=40 outputs=8 receiver=none
        fastpath_measure mixed-1 64-1400 "$fast uring alone" receiver=none
        fastpath_measure mixed-8 64-1400 "$fast uring" outputs=8 receiver=none
        fastpath_measure singles-8 200 "$fast uring" frames=on outputs=8 receiver=none
        fastpath_measure latency 200 "$fast uring smcroute" rate=50000
    done
    summarise "$raw" >"$out/fastpath.csv"
    show "$out/fastpath.csv" trains-1 all_ns "1 output, trains: ns of both for each that arrived"
    show "$out/fastpath.csv" latency p50_us "50 000/s: us from send to receive, median"
    fastpath_judge
}

# fastpath_measure TABLE SIZE CASES [NAME=VALUE]...
fastpath_measure() {
    local table=$1 size=$2 case=$3 cases=()
    shift 3
    [[ $case != "$fast "* ]] || cases=("$fast")
    for case in "${cases[@]}" ${case#"$fast "}; do
        load_set "size=$size" "$@"
        [ "$case" != alone ] || load[rule]="$(group_of 3 0)%in0:5000 -> $(group_of 2 0)%out0:6000"
        measure "$table" "$case" "$size" "$run" "${case/alone/uring}"
    done
}

fastpath_judge() {
    local without=()
    relay_known smcroute || without=(--without smcroute)
    printf '\nNumbers to reach: medians of the ratios of %s runs\n' "$runs"
    "$here/judge.py" "$raw" --of fastpath "${without[@]}" || fault "numbers were missed"
}
