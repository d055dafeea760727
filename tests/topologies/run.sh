#!/bin/bash
# run.sh - every machine in this directory gets exactly the plan that is expected for it.
#
# A case NAME is a configuration file NAME.conf, which names its machine by `topology' (an hwloc
# XML file beside it, or a synthetic string), the options and the rules. What is expected stands in
#
#     NAME.json        what --plan=json prints
#     NAME.txt         what --plan prints
#     NAME.hugepages   what --plan=hugepages prints
#     NAME.err         the message with which it is refused, exit status 2
#
# and is compared whole, but for the bytes of memory of a shard, which are not the planner's
# business. --plan=svg is rendered where there is rsvg-convert. To add a machine, write NAME.conf,
# touch the files that it should have, run `run.sh --update', and read what it wrote before you
# believe it. Without a NAME also what doc/NUMA.md shows of these machines is compared: the worked
# example's text and both pictures.
#
# usage: run.sh [--update] [NAME]...
set -u
here=$(cd "$(dirname "$0")" && pwd)
daemon=${NC_BUILDDIR:-$(cd "$here/../.." && pwd)}/src/numacastd
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cases=0
failures=0
update=false

failed() {
    echo "FAIL $*"
    failures=$((failures + 1))
}

# without_bytes FILE: the plan without the size of a shard's memory.
without_bytes() {
    sed -e 's/"shard_bytes": [0-9]*/"shard_bytes": 0/' \
        -e 's/^\(\|# .*: \)\([0-9]* shards*\)\( with\|,\) [0-9.]* [KMGT]iB each/\1\2\3 ? each/' "$1"
}

# compare CASE KIND STATUS: runs the daemon and compares what it says with CASE.KIND.
compare() {
    local expected="$1.$2" got="$scratch/got" status format=$2
    case $2 in
        txt) format=text ;;
        err) format=text ;;
    esac
    "$daemon" "--plan=$format" --config "$1.conf" >"$got.out" 2>"$got.err"
    status=$?
    if [ "$status" -ne "$3" ]; then
        failed "$1: exit status $status instead of $3: $(cat "$got.err")"
        return
    fi
    if [ "$2" = err ]; then
        cp "$got.err" "$got"
    else
        without_bytes "$got.out" >"$got"
    fi
    if $update; then
        cp "$got" "$expected"
    elif ! diff -u --label "$expected" --label 'what the daemon says' "$expected" "$got"; then
        failed "$1: not what $expected says"
    fi
}

# render CASE: the picture is well-formed and can be drawn.
render() {
    if ! "$daemon" --plan=svg --config "$1.conf" >"$scratch/plan.svg"; then
        failed "$1: --plan=svg"
    elif [ -n "$rsvg" ] && ! "$rsvg" --output="$scratch/plan.png" "$scratch/plan.svg"; then
        failed "$1: its picture cannot be drawn"
    fi
}

run_case() {
    local kind found=false
    cases=$((cases + 1))
    if [ -e "$1.err" ]; then
        compare "$1" err 2
        return
    fi
    for kind in json txt hugepages; do
        if [ -e "$1.$kind" ]; then
            found=true
            compare "$1" "$kind" 0
        fi
    done
    $found || failed "$1: nothing is expected of it"
    render "$1"
}

# block NUMBER: that block between ``` of doc/NUMA.md's worked example.
block() {
    sed -n '/^### A worked example/,/^### Which/p' ../../doc/NUMA.md |
        awk -v want="$1" '/^```/ { fence++; next } fence == 2 * want - 1'
}

# documented WHAT EXPECTED ARGUMENT...: the daemon's plan is what the documentation shows.
documented() {
    local what=$1 expected=$2
    shift 2
    cases=$((cases + 1))
    "$daemon" "$@" >"$scratch/got" 2>&1
    if [ "$what" = picture ] && $update; then
        cp "$scratch/got" "$expected"
    elif ! [ -s "$expected" ] || ! diff -u "$expected" "$scratch/got"; then
        failed "$expected: not what numacastd $* says"
    fi
}

documents() {
    block 1 >"$scratch/example.conf"
    block 2 >"$scratch/example.txt"
    documented text "$scratch/example.txt" --plan --config "$scratch/example.conf"
    documented picture ../../doc/plan-two-sockets.svg --plan=svg --config "$scratch/example.conf"
    documented picture ../../doc/plan-eight-sockets.svg --plan=svg --topology eight-sockets.xml \
        --balance 2 --rule '239.1.1.0/26%eth0:5000 -> 239.200.0.0/26%out:9000'
}

if [ "${1:-}" = --update ]; then
    update=true
    shift
fi
cd "$here" || exit 1
rsvg=$(command -v rsvg-convert)
[ -n "$rsvg" ] || echo "note: no rsvg-convert here, pictures are written but not drawn"
if [ $# -eq 0 ]; then
    for file in *.conf; do
        set -- "$@" "${file%.conf}"
    done
    for file in *.xml; do
        grep -qx "topology $file" ./*.conf || failed "$file: no case is about this machine"
    done
    documents
fi
for name in "$@"; do
    run_case "$name"
done
echo "$cases cases, $failures failures"
[ "$failures" -eq 0 ]
