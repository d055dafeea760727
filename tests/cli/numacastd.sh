#!/bin/bash
# The command line of numacastd from outside: exit status, and what goes to which stream. What each
# option does is tested in tests/unit/setup/check_opt*.c; here only what takes a whole process.
set -u
build=${NC_BUILDDIR:?run by make check}
src=${NC_SRCDIR:?run by make check}
numacastd=$build/src/numacastd
dir=$(mktemp -d "${TMPDIR:-/tmp}/numacastd-cli.XXXXXX") || exit 1
trap 'end_all; rm -rf "$dir"' EXIT
rule='239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000'
. "$src/tests/lib/words.sh"
look_pause_s=0.01

# run STATUS ARGUMENT...: runs the daemon, which must exit with STATUS; fills $dir/out, $dir/err.
run() {
    local want=$1 got
    shift
    called="numacastd $*"
    bounded "$numacastd" "$@" >"$dir/out" 2>"$dir/err"
    got=$?
    [ "$got" -eq "$want" ] || wrong "exit status $got, not $want"
}

# wrong TEXT: a failure of what was called last.
wrong() {
    fail "$called: $1"
    sed 's/^/  stderr: /' "$dir/err"
}

# says STREAM TEXT: the stream contains the text.
says() {
    grep -qF -e "$2" "$dir/$1" || wrong "no '$2' in $1"
}

# silent STREAM: nothing was written there.
silent() {
    [ ! -s "$dir/$1" ] || wrong "something in $1"
}

for flag in --help -h; do
    run 0 "$flag"
    says out 'Usage: numacastd'
    silent err
done
for flag in --version -V; do
    run 0 "$flag"
    says out 'numacastd '
    silent err
done
run 0 --version --verbose
says out 'liburing'

run 2
says err 'numacastd: no rule is given'
silent out
run 2 --nonsense
says err 'numacastd: --nonsense: unknown option'
silent out
run 2 --shards 0 --rule "$rule"
says err "--shards: '0' is not valid; shards takes 1 to 1024"
run 2 "$rule"
says err 'unexpected argument'

run 0 --check --rule "$rule"
says out 'configuration is valid: 1 rules, 1 flows, 1 outputs'
silent err
run 2 --check --rule "$rule ttl=0"
says err "numacastd: --rule 1: 'ttl=0' is not valid"
silent out
run 0 --check --config "$src/etc/numacastd.conf.sample"
silent err
printf 'smt\n\nrule %s\nshards many\n' "$rule" >"$dir/broken.conf"
run 2 --check --config "$dir/broken.conf"
says err "$dir/broken.conf:4: 'many' is not valid"
run 2 --check --config "$dir/missing.conf"
says err "--config $dir/missing.conf: cannot be read: No such file or directory"

# What it tells of its build is no map of the machine that built it.
run 0 --version --verbose
! grep -q / "$dir/out" || wrong "a path is in the answer"

# An answer that nobody gets is a failure.
for answer in --help --version --plan --plan=json '--check'; do
    called="numacastd $answer >/dev/full"
    bounded "$numacastd" "$answer" --rule "$rule" >/dev/full 2>"$dir/err"
    [ $? -eq 1 ] || wrong "exit status is not 1"
    says err 'cannot write'
    says err 'No space left on device'
done

called='numacastd --version >&-'
bounded "$numacastd" --version >&- 2>"$dir/err"
[ $? -eq 1 ] || wrong "exit status is not 1"

# A report that could not be written at the end is refused at the start.
run 1 --rule '239.1.1.1%lo:5000 -> 127.0.0.1:7000' --exit-report "$dir"
says err "--exit-report $dir: cannot write it: Is a directory"

# What was given reaches the terminal in a form that cannot command it.
run 2 $'--sh\e[31mards' 4
says err 'numacastd: --sh\x1b[31mards: unknown option'
run 2 --check --config $'/tmp/such\nfile'
says err '--config /tmp/such\x0afile: cannot be read'

# Wherever a check fails, nothing may have been opened: the same words without --check end alike.
run 2 --rule "$rule" --rule "$rule"
says err '--rule 2: ingress 239.1.1.1%eth0:5000 is already that of rule1'
silent out

run 2 --topology 'package:2 core:4' --rule "$rule"
says err '--topology: describes another machine'

# Shards without a flow are not started, unless asked for.
run 0 --plan --topology 'package:2 core:4 pu:1' --rule "$rule"
says out '1 shard with'
says out 'as many as the flows can use'
run 0 --plan --topology 'package:2 core:4 pu:1' --shards 3 --rule "$rule"
says out '3 shards with'
run 0 --plan --topology 'package:2 core:4 pu:1'
says out '7 shards with'

# Whose share a sender is, and how a flow is divided.
divided='239.1.1.1%eth0:5000 name=hot spread=4 by=source -> 239.2.2.2%e:6000'
run 0 --plan --source 10.1.2.3 --topology 'package:1 core:8 pu:1' --rule "$divided"
says out '  hot: 239.1.1.1%eth0:5000: shard 2, share 2 of 4'
says out 'a filter on each socket'
says out 'note: hot: each datagram is offered to 4 sockets'
run 2 --source 10.1.2.3 --check --rule "$divided"
says err '--source: comes without --plan'
run 2 --plan --source 239.1.1.1
says err 'a unicast address without port or brackets'

[ "$failures" -eq 0 ] && echo "numacastd: command line as documented"
