#!/bin/bash
# engines: uring
# shellcheck disable=SC2034,SC2154
# What --metrics tells is what was counted: promtool and a real Prometheus read it while datagrams
# pass and bad clients beset the server, and no datagram is lost for it. The Prometheus has what the
# dashboard for Grafana asks for.
. "$(dirname "$0")/lib/story.sh"
story "a relay is scraped"
have prometheus || skip "prometheus is missing; on Debian: apt-get install prometheus"
topo_line
relay_control=$work/control
export NUMACAST_CONTROL=$relay_control
count=4000 # of both rules together
one="239.1.1.1%in0:5000 name=one -> 239.2.2.1%out0:6000, 239.2.2.2%out9:6000"
two="239.1.1.2%in0:5000 name=two -> 239.2.2.3%out0:6000"

# get PATH [CURL-ARGUMENT]...: the answer goes to $work/answer, the status to `status'.
get() {
    local path=$1
    shift
    status=$(in_ns mid curl -s -m 20 -o "$work/answer" -w '%{http_code}' "$@" \
        "http://127.0.0.1:9469$path")
}

# asked EXPRESSION: what Prometheus answers; nothing when it knows nothing.
asked() {
    in_ns mid curl -s -m 20 --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query |
        jq -r '.data.result[0].value[1] // empty'
}

# has EXPRESSION VALUE: whether Prometheus answers so.
has() {
    [ "$(asked "$1")" = "$2" ]
}

# summed METRIC [LABEL]: over all its lines in $work/answer.
summed() {
    awk -v name="$1" -v label="${2:-}" 'index($1, name "{") == 1 && index($1, label) {
        sum += $NF } END { printf "%d\n", sum }' "$work/answer"
}

relay_start --rule "$one" --rule "$two" --metrics 127.0.0.1:9469 --latency-sample 10
get /healthz
expect "what waits is no reason to start again" "$status $(head -n 1 "$work/answer")" "200 ok"
get /readyz
expect "but to say so" "$status" 503
expect_words "with its reason" "$work/answer" "output 239.2.2.2%out9:6000: pending: "
get /nothing
expect "what is not there" "$status" 404
get /metrics
expect "lines of latencies before there are any" \
    "$(grep -c '^numacast_output_latency_seconds_count{.* 0$' "$work/answer")" 3
get /status.json -H 'Host: evil.example:9469' # a foreign page, whose name DNS has turned here
expect "what a foreign page is told" "$status $(cut -c -24 "$work/answer")" \
    "403 nobody is called so here"

cat >"$work/prometheus.yml" <<'PROMETHEUS'
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs: [{job_name: relay, static_configs: [{targets: ['127.0.0.1:9469']}]}]
rule_files: [numacast-alerts.yaml]
PROMETHEUS
cp "$src_top/etc/prometheus/numacast-alerts.yaml" "$work"
start_in mid env GOMAXPROCS=1 prometheus --config.file="$work/prometheus.yml" \
    --storage.tsdb.path="$work/prometheus" --web.listen-address=127.0.0.1:9090 \
    --log.level=error >"$work/prometheus.log" 2>&1
prometheus=$started
wait_up "$prometheus" has 'up' 1 || fail "Prometheus cannot scrape"

# Datagrams pass, while bad clients do what they can.
recv_start sink dst 239.2.2.1%d0:6000 239.2.2.3%d0:6000
start_in src "$probe" send --quiet --json --no-loop "${send_extra[@]}" --count $count --rate 2000 \
    239.1.1.1%s0:5000 239.1.1.2%s0:5000 >"$work/sent.json" 2>"$work/send.log"
sender=$started
start_in mid python3 "$src_top/tests/net/lib/bad_browsers.py" 9469 >"$work/bad" 2>"$work/bad.log"
wait_for dead "$started" || fail "the bad clients do not end"
expect "bad clients" "$(tr '\n' ' ' <"$work/bad")" "good 200 garbage True head True path True \
post 405 delete 405 crowded 200 waited True good 200 "
wait_for dead "$sender" || fail "the sender does not end"
recv_clean sink $count

# The text is one, and its numbers are those that numacastctl and Prometheus have.
passed() {
    get /metrics && [ "$(summed numacast_flow_received_datagrams_total)" = $count ] &&
        [ "$(summed numacast_output_sent_datagrams_total)" = $count ]
}
wait_for passed || fail "the metrics do not tell of all datagrams"
expect "promtool" "$(promtool check metrics <"$work/answer" 2>&1; echo $?)" 0
bounded "$ctl" stats --json >"$work/stats"
for pair in flow_received:received flow_relayed:relayed output_offered:offered output_sent:sent; do
    expect "${pair#*:}" "$(summed "numacast_${pair%:*}_datagrams_total")" \
        "$(jq -r ".totals.${pair#*:}" "$work/stats")"
done
expect "pending drops" "$(summed numacast_output_dropped_datagrams_total 'cause="pending"')" \
    $((count / 2))
dropped=$(($(summed numacast_output_dropped_datagrams_total) +
    $(summed numacast_flow_dropped_datagrams_total)))
expect "all drops" "$dropped" "$(jq '[.totals.drops[]] | add' "$work/stats")"
wait_for has 'sum(numacast_flow_received_datagrams_total)' $count ||
    fail "Prometheus has another number received"
wait_for has 'numacast_output_sent_datagrams_total{to="239.2.2.3%out0:6000"}' $((count / 2)) ||
    fail "Prometheus has another number sent"
wait_for has 'sum by (rule) (numacast_output_dropped_datagrams_total{cause="pending"}) > 0' \
    $((count / 2)) ||
    fail "Prometheus does not know why"
wait_for has 'max(numacast_consistent)' 1 || fail "the sums do not agree"
# Rules are evaluated by a clock of their own, up to a second after the scrape.
wait_for has 'count(ALERTS{alertname="NumacastPending"})' 1 ||
    fail "what is pending raises no alert"
has 'count(ALERTS{alertname="NumacastInconsistent"}) or vector(0)' 0 || fail "an alert for nothing"
# What the dashboard asks, each expression with all that may be chosen in it. Nothing was lost on
# the way in, so there is nothing to tell of that. All else has two scrapes, as a rate needs them,
# sooner or later: how many failed in the crowd is not known.
quiet="nothing: Received and not relayed, by cause;nothing: Dropped by the kernel before us;"
shows() {
    in_ns mid python3 "$src_top/tests/net/lib/dashboard.py" "$src_top/etc/grafana/numacast.json" \
        http://127.0.0.1:9090/api/v1 >"$work/dashboard" 2>&1
    shown=$(tr '\n' ';' <"$work/dashboard")
    [ "$shown" = "$quiet" ]
}
wait_for shows || fail "the dashboard shows '$shown', not '$quiet'"
get /metrics -H 'Accept: application/openmetrics-text'
expect "the end of OpenMetrics" "$(tail -n 1 "$work/answer")" "# EOF"

# A port that is taken, and an address of somebody else.
relay_stop
relay_refuses 1 "--metrics 127.0.0.1:9090: cannot listen: Address already in use" \
    --rule "$two" --metrics 127.0.0.1:9090
relay_refuses 1 "expected an address of this host" --rule "$two" --metrics 192.0.2.1:9469
relay_refuses 2 "ADDR:PORT" --rule "$two" --metrics 127.0.0.1
stop "$prometheus"

# IPv6, as coarse as can be, and by a name of its own.
relay_start --rule "$one" --rule "$two" --metrics '[::1]:9469' --metrics-detail rule \
    --metrics-host relay.example
expect "asked for by that name" "$(in_ns mid curl -s -m 20 -o /dev/null -w '%{http_code}' -g \
    -H 'Host: relay.example' 'http://[::1]:9469/metrics')" 200
in_ns mid curl -s -m 20 -g 'http://[::1]:9469/metrics' >"$work/answer"
expect "lines of a counter" "$(grep -c '^numacast_output_sent_datagrams_total{' "$work/answer")" 2
expect_words "what was left out" "$work/answer" 'numacast_metrics_left_out{of="outputs"} 1'
expect "nobody else is heard" "$(in_ns mid curl -s -m 20 http://127.0.0.1:9469/healthz; echo $?)" 7
relay_stop
