# check.sh - asks numacastd --check-host and follows its advice. For stories that source story.sh.
# shellcheck shell=bash disable=SC2154,SC2034

check_wrapper=() # a command in front of it, as relay_wrapper

# look ARGUMENT...: --check-host in the relay's namespace; $check_status and $work/check.json.
look() {
    in_ns "$relay_ns" "${check_wrapper[@]}" "$daemon" --check-host --json "$@" \
        >"$work/check.json" 2>"$work/check.log"
    check_status=$?
    jq -r '.findings[].id' "$work/check.json" >>"$work/ids"
}

# expect_documented: every finding that was seen so far stands in the book.
expect_documented() {
    local id
    expect_cmp "different findings seen" "$(sort -u "$work/ids" | wc -l)" -gt 20
    while read -r id; do
        grep -qF "| \`$id\` |" "$src_top/doc/TROUBLESHOOTING.md" ||
            fail "finding $id is not in doc/TROUBLESHOOTING.md"
    done < <(sort -u "$work/ids")
}

# found ID SUBJECT FIELD: of the finding; SUBJECT may be "".
found() {
    jq -r --arg id "$1" --arg subject "$2" \
        ".findings[] | select(.id == \$id and (.subject // \"\") == \$subject) | .$3 // \"\"" \
        "$work/check.json"
}

# expect_level ID SUBJECT LEVEL
expect_level() {
    expect "$1 $2 ($(found "$1" "$2" value))" "$(found "$1" "$2" level)" "$3"
}

# apply ID SUBJECT: runs the cure as it was printed, as root in the relay's namespace.
apply() {
    local cure
    cure=$(found "$1" "$2" cure)
    [ -n "$cure" ] || fail "$1 $2: no cure was printed"
    echo "cure: $cure"
    in_ns "$relay_ns" bash -c "$cure" >/dev/null || fail "the cure failed: $cure"
}

# cured ID SUBJECT LEVEL ARGUMENT...: the finding is of that level; its cure makes it ok.
cured() {
    local id=$1 subject=$2 level=$3
    shift 3
    look "$@"
    expect_level "$id" "$subject" "$level"
    [ "$level" != fail ] || expect "exit status with a failure" "$check_status" 1
    apply "$id" "$subject"
    look "$@"
    expect_level "$id" "$subject" ok
}
