# examples.sh - takes the examples of numacastd.conf(5) out of the page, for those who try them.
# shellcheck shell=dash disable=SC2154

# examples_extract PAGE DIR: writes each example of the page's section EXAMPLES to DIR, under the
# name that its first line begins with; says how many literal displays there are.
examples_extract() {
    awk -v dir="$2" '
        /^\.Sh / { in_examples = $2 == "EXAMPLES" }
        in_examples && /^\.Bd -literal/ { count++; inside = 1; file = ""; next }
        /^\.Ed/ { inside = 0 }
        inside && file == "" {
            file = $2
            sub(/:$/, "", file)
            if ($1 != "#" || file !~ /^[a-z-]+\.conf$/) { file = "unnamed" count }
        }
        inside { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print >(dir "/" file) }
        END { print count + 0 }' "$1"
}
