#!/bin/bash
# demo.sh: relays five seconds of traffic between three network namespaces and shows what happened.
# quickstart runs it; it needs root, iproute2, jq and a built tree (NC_BUILDDIR).
# shellcheck disable=SC2154,SC2034
ENGINE=auto
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../tests/net/lib/story.sh"

rule="239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
cat <<END

   network 10.77.1.0/24                    network 10.77.2.0/24
  numacast-probe send  ---->  numacastd  ---->  numacast-probe recv
     239.1.1.1:5000                              239.2.2.2:6000

  numacastd --rule "$rule"
END
topo_line
relay_start --rule "$rule"
echo
sed 's/^<[0-7]>//; s/^/    | /' "$daemon_log"
recv_start sink dst 239.2.2.2%d0:6000
send src 239.1.1.1%s0:5000 --rate 10000 --count 50000
kill -TERM "$daemon_pid"
relay_end
recv_stop sink

faults() {
    got sink ".total.$1"
}

micro() {
    jq -r ".total.latency_ns[\"$1\"] / 100 | round / 10" "$work/sink.json"
}
cat <<END

  sent       $(sent .sent) datagrams of 1316 bytes to 239.1.1.1:5000, 10000 a second
  relayed    $(reported .totals.relayed), the relay's own counters agreeing: $(reported .consistent)
  received   $(got sink .total.received) from 239.2.2.2:6000
             $(faults lost) lost, $(faults duplicated) doubled, $(faults reordered) out of order
  latency    p50 $(micro p50) us, p99 $(micro p99) us, from the sender's call to the receiver's
END
if [ "$relay_status" -ne 0 ] || [ "$(got sink .ok)" != true ] ||
    [ "$(got sink .total.received)" != "$(sent .sent)" ]; then
    fail "the relay lost something"
fi
