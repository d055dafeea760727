#!/bin/bash
# Shows that each lint check finds what it is for: a tiny tree with one thing wrong must make it
# fail with the expected words, and the same tree put right must pass. A check that cannot fail is
# worth nothing.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0
cases=0

# put FILE: a file of the sample tree, from standard input.
put() {
    mkdir -p "$(dirname "$tmp/tree/$1")"
    cat >"$tmp/tree/$1"
}

# sample: starts a new, correct tree.
sample() {
    rm -rf "$tmp/tree"
    mkdir "$tmp/tree"
    cp "$top/.clang-format" "$top/.clang-tidy" "$tmp/tree/"
    put src/base/word.h <<'END'
/* word.h - words, see word.c. */
#pragma once

int word_len(const char *text);
END
    put src/base/word.c <<'END'
/* word.c - how long a word is: word_len() counts. */
#include "src/base/word.h"

int word_len(const char *text)
{
	int len = 0;

	while (text[len] != 0) {
		len++;
	}
	return len;
}
END
    put tool.sh <<<$'#!/bin/bash\necho "$1"'
    put doc/tool.1 <<'END'
.Dd November 1, 2025
.Dt TOOL 1
.Os
.Sh NAME
.Nm tool
.Nd says a word
.Sh DESCRIPTION
Says a word.
END
    put README.md <<<'See [the word](src/base/word.h).'
}

# look CHECK: runs it over the sample tree; its words in $out.
look() {
    out=$(cd "$tmp/tree" && LINT_FLAGS="-I." LINT_BUILD="$tmp/tree" "$here/check-$1" 2>&1)
}

# refuses CHECK WORDS: the check must fail and say WORDS.
refuses() {
    cases=$((cases + 1))
    if look "$1"; then
        echo "FAIL: $1 found nothing, expected: $2"
    elif [[ $out != *"$2"* ]]; then
        printf 'FAIL: %s did not say "%s" but:\n%s\n' "$1" "$2" "$out"
    else
        echo "ok: $1 refuses ($2)"
        return
    fi
    failed=$((failed + 1))
}

# accepts CHECK: the check must pass.
accepts() {
    cases=$((cases + 1))
    if look "$1"; then
        echo "ok: $1 accepts a correct tree"
        return
    fi
    printf 'FAIL: %s found something in a correct tree:\n%s\n' "$1" "$out"
    failed=$((failed + 1))
}

# has TOOL...: false, with a word about it, when one is not installed.
has() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || { echo "left out: $tool is not installed"; return 1; }
    done
}

sample
accepts layers
accepts size
accepts text
accepts links
accepts headers
accepts order
accepts essays
put numa/a.c <<<'#include "shard/pool.h"'
put shard/pool.h <<<'#pragma once'
refuses layers 'numa/a.c must not include shard/pool.h'

sample
put shard/a.c <<<'#include <numa.h>'
refuses layers '<numa.h> does not belong here'
put shard/a.c <<<'#include "config.h"'
refuses layers 'not written from the top directory'
put src/base/a.c <<<'#include "src/rules/conf.h"'
put src/rules/conf.h <<<'#pragma once'
refuses layers 'src/base/a.c must not include src/rules/conf.h'
put src/view/a.c <<<'#include "src/host/b.h"'
put src/host/b.h <<<'#pragma once'
refuses layers 'src/view/a.c must not include src/host/b.h'
put src/probe/a.c <<<'#include "shard/pool.h"'
put shard/pool.h <<<'#pragma once'
refuses layers 'src/probe/a.c must not include shard/pool.h'
put src/base/word.c <<<$'#include <stdio.h>\n#include "src/base/word.h"'
refuses layers 'its own header src/base/word.h comes first'

sample
put shard/sock_ingress.c <<'END'
/* SO_REUSEPORT is named here. */
	sock_want_opt(opts, SOCK_OPT(SOL_SOCKET, SO_REUSEPORT, 1));
	attach(fd, SO_ATTACH_REUSEPORT_CBPF, "SO_REUSEPORT, and one program");
END
accepts reuseport
put src/probe/a.c <<<'	set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);'
refuses reuseport 'src/probe/a.c:1: SO_REUSEPORT is set in shard/sock_ingress.c only'
rm "$tmp/tree/src/probe/a.c"
put shard/sock_ingress.c <<<$'\tint a = SO_REUSEPORT;\n\tint b = SO_REUSEPORT;'
refuses reuseport 'shard/sock_ingress.c:2: SO_REUSEPORT is set a second time'

sample
yes '/* long */' | head -501 | put src/long.c
refuses size 'longer than 500 lines'
{ echo 'void f(void)'; echo '{'; yes '	f();' | head -71; echo '}'; } | put src/long.c
refuses size 'function of 71 lines'
printf '/* %0100d */\n' 1 | put src/long.c
refuses size '106 columns'

sample
put src/a.c <<<'int a; '
refuses text 'blanks at the end'
printf 'int a;' | put src/a.c
refuses text 'no newline at the end'
put src/a.c <<<"/* TO""DO: all of it */"
refuses text 'left open'
put tool.sh <<<"cat /some""where/else"
refuses text 'absolute path'

sample
put README.md <<<'See [nothing](doc/nothing.md#part).'
refuses links 'doc/nothing.md, which does not exist'

# put_neighbours COST: the results of two trials, and a document with the table that they give.
put_neighbours() {
    local columns='table,case,param,run,sent,expected,received,duplicated,reordered,seconds,relayed'
    put doc/bench/scale-raw.csv <<END
$columns,relay_ns,sender_ns,syscalls,p50_ns,p99_ns,p999_ns,load,disturbed
neighbours,uring-singles,1024,1,100,100,100,0,0,1,100,600000,1,1,0,0,0,0.1,0.0
neighbours,uring-singles,65536,1,100,100,100,0,0,1,100,$1,1,1,0,0,0,0.1,0.0
END
    put doc/automake.mk <<<'EXTRA_DIST += doc/bench/scale-raw.csv'
    put doc/P.md <<'END'
<!-- bench:neighbours -->
| room for neighbours | CPU ns |
|---|---:|
| 1024, as usual | 6000 |
| 65536 | 4000 |
<!-- /bench -->

<!-- by hand: what one has to type -->
| more | figures |
|---|---:|
| of one day | 12 |
END
}

sample
accepts figures
put_neighbours 400000
accepts figures
put_neighbours 410000
refuses figures "doc/P.md:1: table 'neighbours' is not what doc/bench has"
put_neighbours 400000
sed -i 's/| 65536 |/| 65536 | 1 |/' "$tmp/tree/doc/P.md"
refuses figures "table 'neighbours' is not what"
put_neighbours 400000
sed -i 's/relay_ns/relay_us/' "$tmp/tree/doc/bench/scale-raw.csv"
refuses figures "no column 'relay_ns'"
put_neighbours 400000
sed -i '/bench:neigh/s/neigh/nothing-neigh/' "$tmp/tree/doc/P.md"
refuses figures "no table is called 'nothing-neighbours'"
put_neighbours 400000
sed -i '/^<!-- .bench/d' "$tmp/tree/doc/P.md"
refuses figures "table 'neighbours' has no end"
put_neighbours 400000
sed -i '/by hand/d' "$tmp/tree/doc/P.md"
refuses figures 'doc/P.md:9: a table of figures without a marker'
put_neighbours 400000
put doc/bench/scale.txt <<<'what the suite said'
refuses figures 'doc/bench/scale.txt:1: not named in doc/automake.mk'
put_neighbours 400000
mv "$tmp/tree/doc/bench/scale.txt" "$tmp/tree/doc/bench/scale.svg"
refuses figures 'doc/bench/scale.svg:1: no document shows this picture'
rm "$tmp/tree/doc/bench/scale-raw.csv"
refuses figures 'doc/bench/scale-raw.csv: No such file'

sample
put src/base/word.h <<<$'#pragma once\nsize_t word_len(const char *text);'
refuses headers 'does not compile alone'
put src/base/word.h <<<'int word_len(const char *text);'
refuses headers 'no #pragma once'

if has cc nm ar; then
    sample
    (cd "$tmp/tree" && cc -I. -c src/base/word.c -o w.o && ar rc libnc-base.a w.o)
    accepts symbols
    put src/a.c <<<'int numa_count = 1;'
    (cd "$tmp/tree" && cc -c src/a.c -o a.o && ar rc libnc-base.a a.o)
    refuses symbols 'defines numa_count'
fi
if has clang-format; then
    sample
    accepts format
    put src/a.c <<<'int f(void) { return 1; }'
    refuses format 'code should be clang-formatted'
fi
if has clang-tidy; then
    sample
    accepts tidy
    put src/a.c <<<$'void f(int *p);\nvoid f(int *p)\n{\n\tif (p)\n\t\t*p = 1;\n}'
    refuses tidy 'readability-braces-around-statements'
    put src/a.c <<<$'int f(int a);\nint f(int a)\n{\n\tint *p = 0;\n\n\treturn a + *p;\n}'
    refuses tidy 'clang-analyzer-core.NullDereference'
fi
sample
put doc/TROUBLESHOOTING.md <<<$'| `rp_filter` |\n| `qdisc` |\nthe ring `N`: cannot be made\n'
put src/host/x.c <<<'	struct check_finding finding = {.id = "rp_filter"};'
put shard/counters.h <<<$'#pragma once\n\tX(QDISC, "qdisc", "refused")'
put src/a.c <<<$'log_warn("the ring %d: cannot be made: %s"\n\t"; try", x(1), "y");'
accepts troubles
put src/host/x.c <<<'	struct check_finding finding = {.id = on ? "rp_filter" : "mtu"};'
refuses troubles 'src/host/x.c:1: finding mtu is not in'
put src/host/x.c <<<'int x;'
put shard/counters.h <<<$'#pragma once\n\tX(DENIED, "denied", "refused")'
refuses troubles 'shard/counters.h:2: counter denied is not in'
put shard/counters.h <<<'#pragma once'
put numa/a.c <<<$'\tlog_error("shard %u: what\\"s"\n\t          " up with it: %s", f(")"), s);'
refuses troubles 'numa/a.c:1: message not in'

# put_rows ROW...: a document with a table of messages, quoted here by ".
put_rows() {
    printf '%s\n' '| message | it means |' '|---|---|' "$@" | tr '"' '\140' |
        put doc/TROUBLESHOOTING.md
}

sample
accepts rows
put_rows '| "…: also this" | A |' '| "--begin: it" | B |' '| "shard N: is" | C |'
accepts rows
put_rows '| "a" "b" | A |'
refuses rows 'doc/TROUBLESHOOTING.md:3: expected one quoted text in the first cell'
put_rows '| "a" and others | A |'
refuses rows 'expected one quoted text'
put_rows '| "--begin: it" | B |' '| "…: also this" | A |'
refuses rows 'is not sorted: it stands below'
put_rows '| "a" | A |' '| "a" | A |'
refuses rows 'is not sorted'
put_rows '| "a" | A |' '| "b" | The same. |'
refuses rows 'leans on another row'

# put_mutant LINE...: an entry that is whole but for these lines.
put_mutant() {
    printf '%s\n' 'mutant one-too-many' 'file src/base/word.c' 'breaks the length' "$@" |
        put tests/mutants/base.list
}

sample
accepts mutants
put tests/unit/base/automake.mk <<<'UNIT_TESTS += tests/unit/base/check_word'
put_mutant 'killed-by unit/base/check_word' '- len++; } return' '+ len += 2; } return'
accepts mutants # whatever the blanks are
put_mutant 'killed-by unit/base/check_word' '- len--;' '+ len++;'
refuses mutants 'base.list:1: one-too-many: its text before stands 0 times in src/base/word.c'
put_mutant 'killed-by unit/base/check_word' '- len' '+ n'
refuses mutants 'expected once'
put_mutant 'killed-by unit/base/check_words' '- len++;' '+ len--;'
refuses mutants 'there is no test unit/base/check_words'
put_mutant '- len++;' '+ len--;'
refuses mutants 'expected one of killed-by, equivalent and survives'

sample
put src/base/word.h <<'END'
/* word.h - words, see word.c. */
#pragma once

int word_len(const char *text);
int word_count(const char *text);
END
put src/base/word.c <<'END'
/* word.c - words. */
#include "src/base/word.h"

static int blank(char c);

int word_len(const char *text)
{
	return blank(*text);
}

int word_count(const char *text)
{
	return blank(*text);
}

static int blank(char c)
{
	return c == ' ';
}
END
accepts order
accepts essays
sed -i 's/^static int blank(char c)$/\/* ---- blanks ---- *\/\n\n&/' "$tmp/tree/src/base/word.c"
refuses order 'src/base/word.c:16: a heading between functions'
sed -i 's/---- blanks ----/Even at the end./; s/blank/word_blank/' "$tmp/tree/src/base/word.c"
refuses order 'src/base/word.c:18: word_blank is static and carries the prefix of its module'
sed -i 's/word_blank/blank/; s/word_len/word_c/; s/word_count/word_len/; s/word_c(/word_count(/' \
    "$tmp/tree/src/base/word.c"
refuses order 'src/base/word.c:11: word_len is not in the order of its header'
put src/base/word.c <<'END'
/* word.c - words. */
static int letter(char c)
{
	return c != ' ';
}

int word_len(const char *text)
{
	return letter(*text);
}
END
refuses order 'src/base/word.c:2: letter stands above its first caller'
refuses order 'src/base/word.c:7: word_len is public and stands below the static letter'

sample
put src/base/b.c <<<'/* word.c - moved. */'
refuses essays 'src/base/b.c:1: does not begin with'
put src/base/b.c <<<'/* b.c - goes with src/base/gone.c. */'
refuses essays 'src/base/b.c:1: names src/base/gone.c, which does not exist'
put src/base/b.c <<<'/* b.c - calls word_gone. */'
refuses essays 'src/base/b.c:1: names word_gone, which no code says'
put src/base/b.c <<<'/* b.c - calls gone(). */'
refuses essays 'src/base/b.c:1: names gone, which no code says'
put src/base/b.c <<<$'/* b.c - words. */\n/* As word_gone has it. */'
refuses essays 'src/base/b.c:2: names word_gone, which no code says'
put src/base/b.c <<<'/* b.c - as ST''YLE rule 6 has it. */'
refuses essays 'src/base/b.c:1: refers to ST''YLE rule 6, but our documents have no numbers'
put src/base/b.c <<<'/* b.c - moved. */'
put tool.sh <<<$'#!/bin/bash\n# other.sh - says a word\necho "$1"'
refuses essays 'tool.sh:1: begins with the name other.sh'
sample
put doc/word.md <<<"The counter \`word_lost\` counts what \`word_len()\` lost."
refuses essays 'doc/word.md:1: names word_lost, which no code says'
put doc/word.md <<<"See \`word_len()\`."
accepts essays
put src/base/word.h <<<$'/* word.h - words. */\nint word_len(const char *);\nint word_gone(void);'
refuses essays 'src/base/word.h:1: defined in no file, which it does not name: word_gone'
put src/base/b.c <<<$'/* b.c - words. */\nint word_gone(void)\n{\n\treturn 0;\n}'
refuses essays 'src/base/word.h:1: defined in src/base/b.c, which it does not name: word_gone'
put src/base/word.h <<<$'/* word.h - words; b.c has one. */\n#pragma once\nint word_gone(void);'
accepts essays

sample
accepts promises
put tests/unit/check_word.c <<<'START_TEST(a_word_has_a_length)'
put doc/SECURITY.md <<<$'| promise | shown by |\n|---|---|
| words end | `tests/unit/check_word.c` `a_word_has_a_length` |'
accepts promises
# shellcheck disable=SC2016
sed -i 's/` |$/_and_an_end` |/' "$tmp/tree/doc/SECURITY.md"
refuses promises 'check_word.c has no test a_word_has_a_length_and_an_end'
put doc/SECURITY.md <<<$'| promise | shown by |\n|---|---|\n| words end | `tests/net/gone.sh` |'
refuses promises 'tests/net/gone.sh does not exist'
put doc/SECURITY.md <<<$'| promise | shown by |\n|---|---|\n| words end | we hope so |'
refuses promises 'names no test'
put doc/SECURITY.md <<<'Nothing is promised.'
refuses promises 'makes no promise'

sample
put src/base/b.c <<'END'
/* b.c - words; must() is named. */
void f(int a)
{
	must(a > 0); /* must() */
	must(a < 9);
}
END
accepts musts
put doc/SECURITY.md <<<$'| what holds | files |\n|---|---|\n| a digit | `src/base/b.c` 2 |'
accepts musts
# shellcheck disable=SC2016
put doc/SECURITY.md <<<'| a digit | `src/base/b.c` 1, `src/base/c.c` 1 |'
refuses musts 'doc/SECURITY.md:1: src/base/b.c has 2 must(), not 1'
refuses musts 'doc/SECURITY.md:1: src/base/c.c does not exist'
put doc/SECURITY.md <<<'Nothing ends it.'
refuses musts 'src/base/b.c:4: doc/SECURITY.md does not say why this must() always holds'
put src/base/b.c <<<$'/* b.c - words. */\nvoid f(void)\n{\n\tabort();\n}'
refuses musts 'src/base/b.c:4: abort() instead of must()'
put src/run/b.c <<<$'/* b.c - words. */\nvoid *f(const char *a)\n{\n\treturn json_string(a);\n}'
refuses musts 'src/run/b.c:4: json_string() instead of report_text(), which takes any bytes'

sample
put tests/net/story.sh <<'END'
send src 239.1.1.1%s0:5000 \
    --count 100
relay_settle
in_ns mid ip link set out0 down
END
accepts stories
sed -i /relay_settle/d "$tmp/tree/tests/net/story.sh"
refuses stories 'tests/net/story.sh:3: a change right behind'

if has cppcheck; then
    sample
    accepts cppcheck
    put src/a.c <<<$'int f(void)\n{\n\tint a[2] = {0, 0};\n\n\treturn a[2];\n}'
    refuses cppcheck 'arrayIndexOutOfBounds'
fi
if has shellcheck; then
    sample
    accepts shell
    put tool <<<$'#!/bin/sh\necho $1'
    refuses shell 'SC2086'
    refuses shell 'SC2086' # what was refused is not remembered as passed
    put tool <<<$'#!/bin/bash\n. ./words.sh\necho "$word"'
    put words.sh <<<$'# shellcheck shell=bash disable=SC2034\nword=1'
    accepts shell
    put words.sh <<<$'# shellcheck shell=bash\nother=1'
    refuses shell 'SC2154' # the script is as it was, what it sources is not
fi
if has mandoc; then
    sample
    accepts man
    put doc/tool.1 <<<'.Sh NAME'
    refuses man 'missing'
fi
echo "$cases cases, $failed failed"
[ "$failed" -eq 0 ]
