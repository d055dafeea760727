#!/bin/bash
# A real programme: MPEG-TS over multicast, and every frame that comes out is one that went in.
. "$(dirname "$0")/lib/story.sh"
story "ffmpeg's frames arrive unchanged"
command -v ffmpeg >/dev/null || skip "ffmpeg is not installed"
topo_line

# hashes FILE: the frame checksums of a framemd5 file, without its time stamps.
hashes() {
    grep -v '^#' "$1" | awk -F, '{ print $1, $NF }'
}

quiet=(-hide_banner -loglevel error -nostdin)
ffmpeg "${quiet[@]}" -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine=frequency=440 \
    -t 8 -c:v mpeg2video -b:v 4M -g 25 -c:a mp2 -f mpegts "$work/programme.ts" || fail_now "ffmpeg"
ffmpeg "${quiet[@]}" -i "$work/programme.ts" -map 0 -f framemd5 "$work/sent.md5"

relay_start --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
start_in dst ffmpeg "${quiet[@]}" \
    -i "udp://239.2.2.2:6000?localaddr=10.77.2.2&buffer_size=4000000&timeout=10000000" \
    -map 0 -c copy -f mpegts "$work/received.ts" 2>"$work/receiver.log"
receiver=$started
joined() {
    in_ns dst ip maddr show dev d0 | grep -q 239.2.2.2
}
wait_for joined || fail_now "the receiver does not join"
in_ns src ffmpeg "${quiet[@]}" -re -i "$work/programme.ts" -map 0 -c copy -f mpegts \
    "udp://239.1.1.1:5000?localaddr=10.77.1.1&pkt_size=1316&ttl=4" || fail "ffmpeg cannot send"
wait_for dead "$receiver" || fail "the receiver does not end"
relay_stop
ffmpeg "${quiet[@]}" -i "$work/received.ts" -map 0 -f framemd5 "$work/received.md5"
expect_cmp "frames sent" "$(hashes "$work/sent.md5" | wc -l)" -gt 400
expect "frames that differ" "$(diff <(hashes "$work/sent.md5" | sort) \
    <(hashes "$work/received.md5" | sort) | grep -c '^[<>]')" 0
