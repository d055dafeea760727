# plot.sh - CSV files drawn as SVG, by gnuplot where it is installed.
#
# plot_bars draws a whole file: groups of bars by its first column, a colour for each other column.
# plot_columns draws some columns of a table whose columns differ in unit, plot_lines a line for
# each column. A picture lies beside its CSV file under the same name. White ground: they are read
# in light and dark.
# shellcheck shell=bash disable=SC2034,SC2154

# gnuplot_svg SVG TITLE: what all pictures have in common, then commands from standard input.
gnuplot_svg() {
    have gnuplot || return 0
    {
        cat <<-END
	set terminal svg size 900,420 font "sans-serif,12" background rgb "white"
	set output "$1"
	set datafile separator ","
	set datafile missing "n/a"
	set title "$2" noenhanced
	set key outside right top noenhanced
	set xtics noenhanced
	set grid lc rgb "#dddddd"
	set border 3
	set tics nomirror
	END
        cat
    } | gnuplot 2>"$work/gnuplot.log" || fault "no plot of $1: $(tail -n 1 "$work/gnuplot.log")"
}

# scale_of KIND: log or, by default, from zero.
scale_of() {
    if [ "${1:-}" = log ]; then
        echo "set logscale y; set yrange [*:*]"
    else
        echo "set yrange [0:*]"
    fi
}

bars_style='set style data histograms
set style histogram clustered gap 1
set style fill solid 0.85 noborder'

# plot_bars CSV TITLE [log]
plot_bars() {
    local columns
    columns=$(head -n 1 "$1" | awk -F, '{ print NF }')
    gnuplot_svg "${1%.csv}.svg" "$2" <<-END
	$bars_style
	set datafile missing ""
	$(scale_of "${3:-}")
	plot for [i=2:$columns] "$1" using i:xtic(1) title columnheader(i)
	END
}

# plot_columns NAME TITLE LABELS COLUMNS [log]: of $out/NAME.csv; both lists separated by blanks.
# LABELS are numbers of columns, COLUMNS their names.
plot_columns() {
    local csv=$out/$1.csv label='' number
    for number in $3; do
        label+="${label:+.\" \".}stringcolumn($number)"
    done
    grep -q ',[0-9]' "$csv" || return 0
    gnuplot_svg "${csv%.csv}.svg" "$2" <<-END
	$bars_style
	set xtics rotate by 35 right
	$(scale_of "${5:-}")
	plot for [name in "$4"] "$csv" using name:xtic($label) title name
	END
}

# plot_lines CSV TITLE XLABEL YLABEL [SETTING]: a line for each column but the first, which is x.
plot_lines() {
    local columns
    columns=$(head -n 1 "$1" | awk -F, '{ print NF }')
    gnuplot_svg "${1%.csv}.svg" "$2" <<-END
	set datafile missing ""
	set xlabel "$3" noenhanced
	set ylabel "$4" noenhanced
	${5:-}
	plot for [i=2:$columns] "$1" using 1:i with linespoints lw 2 pt 7 ps 0.6 \\
		title columnheader(i)
	END
}
