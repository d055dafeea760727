# merge.sh - what it costs to merge: the relay's CPU for each datagram that it received.
#
# Both sides of a comparison receive and send the same, in one run: one leg of which all is relayed,
# without seq= (plain) and with it (counted); and two legs of which one is relayed, by failover=,
# which looks at no number, and by seq= (merged). So the difference is reading and judging numbers.
# The rate is one that the relay sustains.
# shellcheck shell=bash disable=SC2034,SC2154

merge_most_ns=30 # that merging may cost of a received datagram

merge_suite() {
    local run
    raw=$out/merge-raw.csv
    echo "$raw_columns" >"$raw"
    for ((run = 1; run <= runs; run++)); do
        merge_measure singles "rate=40000" receiver=none
        merge_measure trains "rate=300000" gso=40 receiver=none
        merge_measure latency "rate=5000"
    done
    merge_show
}

# merge_measure TABLE NAME=VALUE...: all cases, one after the other.
merge_measure() {
    local table=$1 case a b
    shift
    a="$(group_of 1 0)%in0:5000"
    b="$(group_of 1 1)%in0:5000"
    for case in plain counted failover merged; do
        load_set size=200 "$@"
        case $case in
        plain) load[rule]=$a ;;
        counted) load[rule]="$a seq=u64be@16" ;;
        failover) load[rule]="$a + $b failover=60000" ;;
        merged) load[rule]="$a + $b seq=u64be@16" ;;
        esac
        [[ ${load[rule]} != *+* ]] || load[groups]=2
        load[rule]+=" -> $(group_of 2 0)%out0:6000"
        measure "$table" "$case" "$run" "$run" uring
    done
}

# merge_pairs TABLE COLUMN: for each run that column of plain, counted, failover and merged; CPU by
# datagram that was received.
merge_pairs() {
    awk -F, -v table="$1" -v column="$2" '
        NR == 1 { for (i = 1; i <= NF; i++) { at[$i] = i } next }
        $1 == table { value[$4, $2] = column == "cpu" ? $at["relay_ns"] / $at["sent"] : $at[column]
                      runs[$4] = 1 }
        END { for (run in runs) {
                  print value[run, "plain"], value[run, "counted"], value[run, "failover"],
                        value[run, "merged"] } }' "$raw"
}

# median: of the numbers on standard input.
median() {
    sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

merge_show() {
    local table more
    printf '\n%-9s %10s %10s %10s %10s %16s %16s\n' "ns of CPU" plain counted failover merged \
        "counted - plain" "merged - failover"
    for table in singles trains; do
        more=$(merge_pairs "$table" cpu | awk '{ print $4 - $3 }' | median)
        printf '%-9s %10.0f %10.0f %10.0f %10.0f %16.1f %16.1f\n' "$table" \
            "$(merge_pairs "$table" cpu | awk '{ print $1 }' | median)" \
            "$(merge_pairs "$table" cpu | awk '{ print $2 }' | median)" \
            "$(merge_pairs "$table" cpu | awk '{ print $3 }' | median)" \
            "$(merge_pairs "$table" cpu | awk '{ print $4 }' | median)" \
            "$(merge_pairs "$table" cpu | awk '{ print $2 - $1 }' | median)" "$more"
        [ "$(calc "($more <= $merge_most_ns)")" = 1 ] ||
            fault "$table: merging costs $more ns of a received datagram, more than $merge_most_ns"
    done
    printf '%s\n' "latency at 5000/s, p50: merged by failover, median of the ratios:" \
        "$(merge_pairs latency p50_ns | awk '{ print $4 / $3 }' | median)"
}
