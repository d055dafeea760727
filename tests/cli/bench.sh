#!/bin/bash
# What the bench concludes: judge.py says of sample results whether the numbers to reach were
# reached, by its exit status too; docs.py fills a document's tables from them, and notices when
# both part.
set -u
src=${NC_SRCDIR:?run by make check}
work=$(mktemp -d "${TMPDIR:-/tmp}/numacast-bench-cli.XXXXXX") || exit 1
trap 'end_all; rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$src/tests/lib/words.sh"
have python3 || skip "python3 is missing"

# run STATUS PROGRAM ARGUMENT...: it must exit with STATUS; fills out and err.
run() {
    local want=$1 got
    shift
    called="$*"
    bounded python3 -B "$src/bench/$1" "${@:2}" >out 2>err
    got=$?
    [ "$got" -eq "$want" ] || wrong "exit status $got, not $want"
}

# wrong TEXT: a failure of what was called last.
wrong() {
    fail "$called: $1"
    sed 's/^/  out: /' out
    sed 's/^/  err: /' err
}

# says STREAM TEXT: the stream contains the text, whatever blanks are between its words.
says() {
    tr -s ' ' <"$1" | grep -qF -e "$2" || wrong "no '$2' in $1"
}

# trials TABLE CASE PARAM RELAY_NS SYSCALLS P50_NS: three runs of a million datagrams each.
trials() {
    local run
    for run in 1 2 3; do
        echo "$1,$2,$3,$run,1000000,1000000,1000000,0,0,1,1000000,$4,1000000000,$5,$6,$6,$6,0.1,0.0"
    done
}

# sample: raw.csv and pool.csv in which every number is reached, at half of its bound or so.
sample() {
    local wait='uring:--batch-wait 50'
    {
        echo "table,case,param,run,sent,expected,received,duplicated,reordered,seconds,relayed,$(
        )relay_ns,sender_ns,syscalls,p50_ns,p99_ns,p999_ns,load,disturbed"
        trials trains uring 40 200000000 10000 0
        trials trains smcroute 40 0 0 0
        trials trains smcroute-steered 40 0 0 0
        trials trains mmsg-singles 40 4000000000 10000 0
        trials singles "$wait" 1 1000000000 100000 0
        trials singles mmsg-singles 1 4000000000 100000 0
        trials singles socat 1 20000000000 0 0
        trials latency uring 50000 1 1 40000
        trials latency mmsg-singles 50000 1 1 50000
        trials latency 'uring:--spin 50' 50000 1 1 20000
        trials outputs-trains uring 1 200000000 1 0
        trials outputs-trains uring 16 100000000 1 0
        trials outputs uring 1 1000000000 1 0
        trials outputs uring 16 300000000 1 0
        trials groups-trains uring 1 200000000 1 0
        trials groups-trains uring 1024 210000000 1 0
        trials groups uring-singles 1 4000000000 1 0
        trials groups uring-singles 1024 4100000000 1 0
    } >raw.csv
    printf 'target,is,bound,reached\np99 ns,20.0,< 50,yes\ntimes faster,12,>= 10,yes\n' >pool.csv
}

# but FILE FROM TO: the sample with one thing changed; it must be there to be changed.
but() {
    grep -qE "$2" "$1" || wrong "the sample has no '$2'"
    sed -i -E "s/$2/$3/" "$1"
}

# ---- judge.py: what is reached ----
sample
run 0 judge.py raw.csv pool.csv --csv numbers.csv
says out "trains in and out: CPU, of the baseline's 0.0500 0.0500 0.0500 <= 0.12 yes 0.4167"
says out 'trains: system calls per datagram 0.0100'
says out 'pool: times faster 12.0000 >= 10 yes'
says numbers.csv '"trains in and out: CPU, of the baseline'\''s",0.0500,0.0500,0.0500,<= 0.12,yes'

# One run of three that was disturbed is not the median; two are.
but raw.csv '^(trains,uring,40,2,.*),200000000,' '\1,600000000,'
run 0 judge.py raw.csv pool.csv
says out "trains in and out: CPU, of the baseline's 0.0500 0.0500 0.1500 <= 0.12 yes"
but raw.csv '^(trains,uring,40,3,.*),200000000,' '\1,600000000,'
run 1 judge.py raw.csv pool.csv
says out "0.1500 0.0500 0.1500 <= 0.12 NO 1.2500"
says err "missed: trains in and out: CPU, of the baseline's: NO"

# A rate must be at least its bound, and whatever is at the bound has reached it.
sample
but raw.csv '^(trains,uring,40,.,1000000,1000000),1000000,' '\1,890000,'
run 1 judge.py raw.csv pool.csv
says err "missed: trains in and out: datagrams/s, of the kernel's: NO"
sample
but raw.csv '^(latency,uring,.*),40000,40000,40000,' '\1,50000,50000,50000,'
run 0 judge.py raw.csv pool.csv

# ---- judge.py: the pool's targets are judged here, whatever its program thought ----
sample
but pool.csv '20.0' '50.0'
run 1 judge.py raw.csv pool.csv
says err 'missed: pool: p99 ns: NO'

# ---- judge.py: what was not measured was not reached, unless it is named ----
sample
sed -i '/^trains,smcroute,/d' raw.csv
run 1 judge.py raw.csv pool.csv
says err "datagrams/s, of the kernel's: not measured"
run 0 judge.py raw.csv pool.csv --without smcroute
says out ">= 0.9 left out"
sample
sed -i '/^outputs,uring,16/d' raw.csv
run 1 judge.py raw.csv pool.csv --without smcroute
says err '16 outputs, singles: CPU per output, of that with 1: not measured'

# ---- judge.py: a file or a column that is not there, a figure that is none ----
run 2 judge.py raw.csv nothing.csv
says err 'nothing.csv: No such file'
sample
but raw.csv 'relay_ns' 'relay_us'
run 2 judge.py raw.csv pool.csv
says err "raw.csv: no column 'relay_ns'"
sample
but raw.csv '^(trains,uring,40,2,.*),200000000,' '\1,,'
run 2 judge.py raw.csv pool.csv
says err "no number for 'relay_ns'"
sample
echo 'target,is,bound,reached' >pool.csv
run 2 judge.py raw.csv pool.csv
says err 'pool.csv: no target'

# ---- judge.py --of fastpath: its own numbers, some of them without what the sender pays ----
# fast_sample: fast.csv in which every number is reached.
fast_sample() {
    local fast='uring:--fastpath require'
    {
        head -n 1 raw.csv
        trials trains-8 "$fast" 1316 0 0 0
        trials trains-8 uring 1316 5000000000 0 0
        trials mixed-8 "$fast" 64-1400 0 0 0
        trials mixed-8 uring 64-1400 2000000000 0 0
        trials mixed-1 "$fast" 64-1400 2000000000 0 0
        trials mixed-1 uring 64-1400 5000000000 0 0
        trials mixed-1 alone 64-1400 0 0 0
        trials trains-1 "$fast" 1316 100000000 0 0
        trials trains-1 smcroute 1316 100000000 0 0
        trials latency "$fast" 200 10000000 0 20000
        trials latency smcroute 200 0 0 20000
        trials singles-8 "$fast" 200 1000000000 0 0
        trials singles-8 uring 200 0 0 0
    } >fast.csv
}
sample
fast_sample
run 0 judge.py fast.csv --of fastpath
says out '8 outputs, trains: datagrams a CPU second, of those without 6.0000 6.0000 6.0000 >= 4 yes'
says out '1 output, mixed sizes: the same (most is the sender'"'"'s own; no bound) 2.0000'
says out "the sender's own apart 2.5000 2.5000 2.5000 >= 2 yes"
says out "the relay's own CPU, % of a processor 1.0000 1.0000 1.0000 <= 2 yes"
says out '(no bound: it loses) 0.5000'
but fast.csv '^(mixed-1,uring:.*),2000000000,' '\1,4000000000,'
run 1 judge.py fast.csv --of fastpath
says err "the sender's own apart: NO"
fast_sample
sed -i '/^trains-1,smcroute/d' fast.csv
run 1 judge.py fast.csv --of fastpath
says err "of the kernel's own forwarding: not measured"
run 0 judge.py fast.csv --of fastpath --without smcroute
run 2 judge.py fast.csv --of nothing

# ---- waits.py: against the cheapest fixed way and the default, run by run ----
{
    head -n 1 raw.csv
    trials cpu sleep 50000 8000000000 0 0
    trials cpu 'batch 50' 50000 4000000000 0 0
    trials cpu 'latency 100' 50000 5000000000 0 0
    trials latency sleep 50000 0 0 50000
    trials latency 'batch 50' 50000 0 0 90000
    trials latency 'latency 100' 50000 0 0 120000
} >waits.csv
run 0 waits.py waits.csv 'latency 100' sleep
says out '50000 1.25 batch 50 0.62'
says out '50000 70 70'
run 1 waits.py waits.csv 'latency 200' sleep

# ---- docs.py: fills a table, and leaves all else as it is ----
mkdir -p doc/bench
sample
{ head -n 1 raw.csv; trials neighbours uring-singles 1024 6000000000 1 0; } >doc/bench/scale-raw.csv
trials neighbours uring-singles 65536 4000000000 1 0 >>doc/bench/scale-raw.csv
printf '%s\n' '# A' '' '<!-- bench:neighbours -->' '<!-- /bench -->' '' 'The end.' >doc/A.md
run 1 docs.py --check
says out "doc/A.md:3: table 'neighbours' is not what doc/bench has"
run 0 docs.py
run 0 docs.py --check
cat >wanted <<'END'
# A

<!-- bench:neighbours -->
| room for neighbours | CPU ns |
|---|---:|
| 1024, as usual | 6000 |
| 65536 | 4000 |
<!-- /bench -->

The end.
END
cmp -s wanted doc/A.md || wrong "doc/A.md is not what was expected: $(diff wanted doc/A.md)"
run 2 docs.py --nonsense

# ---- docs.py: of results that there are none of yet it says so, until there are ----
head -n 1 raw.csv >doc/bench/scale-raw.csv
run 1 docs.py --check
says out "table 'neighbours' is not what doc/bench has"
run 0 docs.py
grep -qx '\*Not measured yet.\*' doc/A.md || wrong "doc/A.md does not say that nothing was measured"
run 0 docs.py --check
for room in 1024 65536; do
    trials neighbours uring-singles "$room" 6000000000 1 0
done >>doc/bench/scale-raw.csv
run 0 docs.py
! grep -q "Not measured" doc/A.md || wrong 'doc/A.md still says that nothing was measured'
rm doc/bench/scale-raw.csv
run 1 docs.py --check
says out 'scale-raw.csv: No such file'

[ "$failures" -eq 0 ]
