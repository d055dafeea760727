# table.sh - from the raw file of a suite to medians, tables and CSV files.
#
# A raw file has one line per trial (trial.sh). `summarise' reduces it to one line per table, case
# and parameter with the median of each figure; `pivot' turns one figure of one table into a matrix,
# parameters down and cases across, which is printed, kept as CSV and drawn.
# shellcheck shell=bash disable=SC2034,SC2154

# awk_median: functions for awk scripts where no python is (tests/guest); `list' is separated by
# blanks.
awk_median='
function median(list,    a, n, i, j, t) {
    n = split(list, a, " ")
    if (n == 0) return ""
    for (i = 2; i <= n; i++) {
        t = a[i] + 0
        for (j = i - 1; j > 0 && a[j] + 0 > t; j--) a[j + 1] = a[j]
        a[j + 1] = t
    }
    return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}
function ratio(a, b) { return b > 0 ? a / b : 0 }'

# summarise RAW: CSV of medians. cpu_ns is the relay's time for each datagram that it sent, all_ns
# that of sender and relay together for each that arrived (figures.py).
summarise() {
    python3 -B "$here/figures.py" "$1" || fault "$1: cannot be summed up"
}

# pivot SUMMARY TABLE FIGURE: parameters down, cases across; what was not measured is empty.
pivot() {
    awk -F, -v table="$2" -v figure="$3" '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    $1 == table {
        if (!($2 in case_seen)) { case_seen[$2] = 1; cases[++case_count] = $2 }
        if (!($3 in param_seen)) { param_seen[$3] = 1; params[++param_count] = $3 }
        value[$3, $2] = $at[figure]
    }
    END {
        printf "param"
        for (c = 1; c <= case_count; c++) printf ",%s", cases[c]
        print ""
        for (p = 1; p <= param_count; p++) {
            printf "%s", params[p]
            for (c = 1; c <= case_count; c++) printf ",%s", value[params[p], cases[c]]
            print ""
        }
    }' "$1"
}

# matrix ROW COLUMN VALUE: the same for any CSV file on standard input, columns given by name.
matrix() {
    awk -F, -v row="$1" -v column="$2" -v value="$3" '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { print "x," $at[column] "," $at[row] "," $at[value] }' |
        { echo table,case,param,value; cat; } >"$work/matrix.csv"
    pivot "$work/matrix.csv" x value
}

# print_csv: a CSV file as an aligned table.
print_csv() {
    awk -F, '
    {
        for (i = 1; i <= NF; i++) {
            cell[NR, i] = $i == "" ? "-" : $i
            if (length(cell[NR, i]) > width[i]) width[i] = length(cell[NR, i])
        }
        if (NF > columns) columns = NF
    }
    END {
        for (r = 1; r <= NR; r++) {
            line = ""
            for (c = 1; c <= columns; c++)
                line = line sprintf(c == 1 ? "%-*s" : "  %*s", width[c], cell[r, c])
            print line
        }
    }'
}

# show SUMMARY TABLE FIGURE TITLE [log]: prints one figure, keeps it as CSV, draws it.
show() {
    local name
    name=$(basename "$1" .csv)-$2-$3
    pivot "$1" "$2" "$3" >"$out/$name.csv"
    [ "$(wc -l <"$out/$name.csv")" -gt 1 ] || { rm "$out/$name.csv"; return 0; }
    printf '\n%s\n' "$4"
    print_csv <"$out/$name.csv"
    plot_bars "$out/$name.csv" "$4" "${5:-}"
}
