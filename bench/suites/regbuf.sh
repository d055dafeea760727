# regbuf.sh - whether registered buffers pay, and from when on; the program tells its own story. Its
# sends are measured twice: to this host, and into a wire at whose end nobody listens.
# shellcheck shell=bash disable=SC2034,SC2154

regbuf_suite() {
    local bytes
    run_program regbuf_bench
    regbuf_away
    for bytes in 4096 65536; do
        awk -F, -v bytes=$bytes 'NR == 1 || $2 == bytes' "$out/regbuf_files.csv" |
            matrix ops_per_buffer file ratio >"$out/regbuf_files-$bytes.csv"
        plot_lines "$out/regbuf_files-$bytes.csv" \
            "files of $bytes bytes: CPU with registered buffers against without" \
            "operations a registration serves" "ratio" "set logscale x; set yrange [0:*]"
    done
    cut -d, -f1,3 "$out/regbuf_count.csv" >"$out/regbuf_count-fixed.csv"
    plot_lines "$out/regbuf_count-fixed.csv" "4 KiB read into one of so many registered buffers" \
        "buffers registered" "ns" "set logscale x 4; set yrange [0:*]"
    plot_columns regbuf_register "registering, by buffers and their bytes: us" "1 2" \
        "register_us unregister_us" log
    plot_columns regbuf_files "files: ns an operation" "1 2 3" "ns fixed_ns" log
    plot_columns regbuf_sends "sends to this host, by bytes: ns" 1 "send_ns zc_ns zc_fixed_ns"
    plot_columns regbuf_sends_away "sends into a wire, by bytes: ns" 1 "send_ns zc_ns zc_fixed_ns"
}

# Only the last table is wanted from the second run: 239.9.9.9 has no member anywhere.
regbuf_away() {
    local flags=()
    ! $quick || flags=(--quick)
    in_ns sender "$build/bench/regbuf_bench" --sends --to 239.9.9.9 --csv "$out" "${flags[@]}" |
        sed -n '/^Sends/,$p'
}
