# zerocopy.sh - trains that are sent without copying against copied ones: what --zerocopy auto and
# --register-buffers auto are based on.
#
# The relay sends to an ifb device, which drops what it is given at once, as memory: a network card
# would read it by itself, a receiver on this host would have the kernel copy. So the figures show
# what the copy costs, and what avoiding it does, and nothing of a driver. In the table `cut' the
# device says that it cuts trains up (USO), in `uncut' the kernel has to before it. Every case has
# the same load, in turn; ratios are those of medians.
# shellcheck shell=bash disable=SC2034,SC2154

zerocopy_size=1316
zerocopy_cases=(
    "copied|uring:--zerocopy off"
    "zerocopy|uring:--zerocopy 1 --register-buffers off"
    "registered|uring:--zerocopy 1 --register-buffers on"
)

zerocopy_suite() {
    local run uso counts=(8 16 25 36 48)
    raw=$out/zerocopy-raw.csv
    echo "$raw_columns" >"$raw"
    ! $quick || counts=(48)
    zerocopy_device
    for ((run = 1; run <= runs; run++)); do
        for uso in on off; do
            in_ns relay ethtool -K ifb0 tx-udp-segmentation $uso >/dev/null
            zerocopy_measure "$run" "$uso" "${counts[@]}"
        done
    done
    ip -n "$(ns relay)" link del ifb0
    summarise "$raw" >"$out/zerocopy.csv"
    zerocopy_show cut "trains that the device cuts up (USO on)"
    zerocopy_show uncut "trains that the kernel cuts up (USO off)"
}

zerocopy_device() {
    ip -n "$(ns relay)" link add ifb0 type ifb || die "cannot make an ifb device"
    net_address relay ifb0 10.88.3.1/24
}

# zerocopy_measure RUN USO COUNT...: every case with trains of so many datagrams.
zerocopy_measure() {
    local run=$1 table=cut count case
    [ "$2" = on ] || table=uncut
    shift 2
    for count in "$@"; do
        for case in "${zerocopy_cases[@]}"; do
            load_set "gso=$count" "size=$zerocopy_size" receiver=none out=ifb0
            measure "$table" "${case%%|*}" "$((count * zerocopy_size))" "$run" "${case#*|}"
            [[ $case = copied* ]] || zerocopy_holds ||
                fault "$table: ${case%%|*} with $count datagrams: the kernel copied all the same"
        done
    done
}

# zerocopy_holds: whether the last relay did what its flags say.
zerocopy_holds() {
    jq -e '[.rules[].flows[].outputs[].zerocopy | select(.off != "no" or .sent == 0)] == []' \
        "$work/report.json" >/dev/null
}

# zerocopy_show TABLE TITLE: time of the relay for each train, and ratios to copying.
zerocopy_show() {
    local csv=$out/zerocopy-$1.csv
    pivot "$out/zerocopy.csv" "$1" cpu_ns | awk -F, -v size=$zerocopy_size '
        NR == 1 { print "train_bytes,copied_us,zerocopy_us,registered_us,ratio,registered_ratio" }
        NR > 1 && $2 > 0 {
            n = $1 / size / 1000
            printf "%d,%.2f,%.2f,%.2f,%.2f,%.2f\n", $1, n * $2, n * $3, n * $4, $3 / $2, $4 / $2
        }' >"$csv"
    printf '\n%s: CPU of the relay for each, in and out, and ratios to copying\n' "$2"
    print_csv <"$csv"
    cut -d, -f1,5,6 "$csv" >"${csv%.csv}-ratio.csv"
    plot_lines "${csv%.csv}-ratio.csv" "$2: CPU, of copying's" "bytes a train" "ratio" \
        "set yrange [0:*]"
}
