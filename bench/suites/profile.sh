# profile.sh - where the relay's processor spends its time, function by function.
#
# perf samples processor 0 while a relay works there under the loads that the numbers are about. A
# sample is a timer's interrupt, so what runs with interrupts off is charged to whatever lets them
# in again (_raw_spin_unlock_irqrestore and the like). Shares are of the samples of the relay, of
# the kernel's ksoftirqd thread there, and of what interrupts an idle processor; idling itself and
# other programs are left out.
# shellcheck shell=bash disable=SC2034,SC2154

profile_top=16 # functions shown for each case

profile_suite() {
    have perf || { say "perf is missing (package linux-perf): no profiles"; return 0; }
    echo "case,share_pct,where,function" >"$out/profile.csv"
    profile_case "trains" uring gso=40 receiver=none
    profile_case "trains, forwarded by the kernel" smcroute-steered gso=40 receiver=none
    profile_case "singles at saturation, --batch-wait 50" "$wait50" gso=40 cut=on receiver=none
    ! $quick || return 0
    profile_case "singles at saturation, baseline" mmsg-singles gso=40 cut=on receiver=none
    profile_case "singles at saturation, socat" socat gso=40 cut=on receiver=none
    profile_case "50000/s, default flags" uring rate=50000
    profile_case "50000/s, baseline" mmsg-singles rate=50000
}

# profile_case TITLE RELAY [NAME=VALUE]...: one trial under perf, its heaviest functions.
profile_case() {
    local title=$1 relay=$2
    shift 2
    relay_known "$relay" || return 0
    load_set "$@"
    profile=$work/perf.data
    profile_of=0,${ksoftirqd[0]}
    trial "$relay" || fault "profile: $title could not be measured"
    profile=
    [ -s "$work/perf.data" ] || { fault "perf recorded nothing of: $title"; return; }
    perf report -i "$work/perf.data" --no-children --stdio --pid "$profile_of" \
        -F overhead,sample,dso,symbol -t ';' -w 0,0,0,0 2>/dev/null >"$work/profile.txt"
    rm "$work/perf.data"
    profile_table "$title" <"$work/profile.txt" >"$work/profile.csv"
    printf '\n%s: %% of its time on processor 0\n' "$title"
    { echo "case,share_pct,where,function"; cat "$work/profile.csv"; } |
        cut -d, -f2- | print_csv
    cat "$work/profile.csv" >>"$out/profile.csv"
}

# profile_table TITLE: perf's report on standard input to CSV: sums by place, then functions.
profile_table() {
    awk -F';' -v title="${1//,/;}" -v top="$profile_top" '
    function trim(s) { gsub(/^ +| +$/, "", s); return s }
    /^#/ || NF < 4 { next }
    {
        samples = trim($2) + 0; dso = trim($3); name = trim($4)
        if (name ~ /pv_native_safe_halt|default_idle|cpuidle|acpi_idle|io_idle/) next
        kernel = name ~ /^\[k\]/
        sub(/^\[[.k]\] +/, "", name)
        where = kernel ? "kernel" : dso
        sub(/.*\//, "", where)
        all += samples; by[where] += samples
        line[++n] = where "," name; count[n] = samples
    }
    END {
        for (w in by) printf "%s,%.1f,%s,(all)\n", title, 100 * by[w] / all, w | "sort -t, -k2 -rn"
        close("sort -t, -k2 -rn")
        for (i = 1; i <= n && i <= top; i++)
            printf "%s,%.1f,%s\n", title, 100 * count[i] / all, line[i]
    }'
}
