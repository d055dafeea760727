#!/bin/bash
# Shows what tests/mutants/run takes for killed: in a tree of one file, which is a test as well, it
# makes mutations that a test catches, that none does, that make a test hang, or slow only once.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# put FILE: a file of the sample tree, from standard input.
put() {
    mkdir -p "$(dirname "$tmp/tree/$1")"
    cat >"$tmp/tree/$1"
}

# mutant NAME BEFORE AFTER: one more mutation of the list.
mutant() {
    printf '%s\n' "mutant $1" 'file src/base/word.sh' 'breaks the word' \
        'killed-by unit/base/check_word' "- $2" "+ $3" '' >>"$tmp/tree/tests/mutants/base.list"
}

# says WORDS: the run has said them, in a line.
says() {
    if ! grep -qE -e "$1" "$tmp/said"; then
        failed=1
        printf 'NOT OK: expected a line with: %s\n' "$1"
    fi
}

# page_has WORDS: the document has a line with them.
page_has() {
    if ! grep -qF -e "$1" "$tmp/tree/doc/RELIABILITY.md"; then
        failed=1
        printf 'NOT OK: expected in the document: %s\n' "$1"
    fi
}

mkdir -p "$tmp/tree/tests/mutants"
cp "$here/run" "$here/mutants.py" "$tmp/tree/tests/mutants/"
put src/base/word.sh <<'END_OF_FILE'
#!/bin/sh
right=yes late=no slow=no pause=0
if [ $slow = yes ] && [ ! -e "$SLOW_ONCE" ]; then
    touch "$SLOW_ONCE"
    pause=100
fi
sleep $pause
[ $late = no ] || echo 'word.c:7:E:words:long_one:0: (after this point) Test timeout expired'
[ $right = yes ] || echo 'word.c:9:F:words:short_one:0: Assertion failed'
[ $late = no ] && [ $right = yes ]
END_OF_FILE
put configure <<'END_OF_FILE'
#!/bin/sh
cat >Makefile <<'END_OF_MAKEFILE'
all src/base/libnc-base.a:
tests/unit/base/check_word: ../tree/src/base/word.sh
	mkdir -p tests/unit/base
	cp ../tree/src/base/word.sh $@
	chmod +x $@
END_OF_MAKEFILE
END_OF_FILE
chmod +x "$tmp/tree/configure"
put tests/unit/base/automake.mk <<<'UNIT_TESTS += tests/unit/base/check_word'
printf '%s\n' '# Reliability' '<!-- mutants: begin -->' '<!-- mutants: end -->' |
    put doc/RELIABILITY.md
mutant caught 'right=yes' 'right=no'
mutant missed '#!/bin/sh' '#!/bin/sh -u'
mutant hanging 'pause=0' 'pause=100'
mutant slow-once 'slow=no' 'slow=yes'
mutant case-hangs 'late=no' 'late=yes'
mutant case-hangs-another-fails 'right=yes late=no' 'right=no late=yes'

SLOW_ONCE="$tmp/once" "$tmp/tree/tests/mutants/run" --build "$tmp/build" --limit 1 --record \
    >"$tmp/said" 2>&1
status=$?
if [ $status -ne 1 ]; then
    failed=1
    printf 'NOT OK: exit status %d, expected 1\n' $status
fi
says '^ok   mutant caught .* killed by unit/base/check_word$'
says '^FAIL mutant missed .* SURVIVED$'
says '^ok   mutant hanging .* killed by time in unit/base/check_word$'
says '^FAIL mutant slow-once .* SURVIVED$'
says '^ok   mutant case-hangs .* killed by time in unit/base/check_word$'
says '^ok   mutant case-hangs-another-fails .* killed by unit/base/check_word$'
says '^6 mutants: 4 killed, 0 answered, 2 not as the lists say$'
# shellcheck disable=SC2016 # the document's own marks
page_has '| `hanging` | `src/base/word.sh` | the word | killed by time in `unit/base/check_word` |'
page_has '6 mutations, 4 of them caught, 2 of these by time.'
if [ $failed -ne 0 ]; then
    cat "$tmp/said"
fi
exit $failed
