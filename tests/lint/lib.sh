# lib.sh - what the lint checks share. Sourced by each check-NAME, which `run' (or selftest) starts
# at the top of the tree to be looked at, with this environment:
#
#   LINT_FLAGS   compiler flags that find config.h, our headers and the libraries'
#   LINT_BUILD   top of the build tree, for the archives
#
# A check prints one line per finding, `file:line: what is wrong', and exits 1 when it printed any.
# shellcheck shell=bash

lint_findings=0

# finding TEXT: one finding.
finding() {
    echo "$1"
    lint_findings=$((lint_findings + 1))
}

# lint_done: the exit status of a check that called finding.
lint_done() {
    [ "$lint_findings" -eq 0 ]
}

# lint_files PATTERN...: our files whose base name matches, built and generated ones left out.
lint_files() {
    local names=() pattern
    for pattern in "$@"; do
        names+=(-o -name "$pattern")
    done
    find . \( -name .git -o -name 'build*' -o -name autom4te.cache -o -name m4 \
        -o -name .deps -o -name 'numacast-[0-9]*' \) -prune \
        -o -type f ! -name config.h ! -name configure ! -name 'config.*' ! -name '*~' \
        \( "${names[@]:1}" \) -print | sed 's|^\./||' | LC_ALL=C sort
}

# lint_scripts SHELL...: files that begin with #! and one of these interpreters.
lint_scripts() {
    local file first interpreter
    while read -r file; do
        IFS= read -r first <"$file" 2>/dev/null || continue
        for interpreter in "$@"; do
            [[ $first =~ ^\#\!.*[/\ ]$interpreter(\ |$) ]] && echo "$file"
        done
    done < <(lint_files '*' | grep -vE '\.(c|h|o|a|md|in|am|mk|ac|xml|pcap|svg)$')
}

# need PROGRAM PACKAGE: a check without its tool is a failure, never a silent pass.
need() {
    command -v "$1" >/dev/null && return
    echo "$1 is missing; on Debian: apt-get install $2"
    exit 1
}
