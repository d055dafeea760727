# clock.sh - a relay whose clock of the day can be set, as the machine's cannot be by a test. For
# stories that source story.sh; see tests/fake/clock_shift.c. Not with sanitizers.
# shellcheck shell=bash disable=SC2034,SC2154
clock_file=$work/clock
head -c 24 /dev/zero >"$clock_file"
[ -f "$build_top/tests/fake/clock_shift.so" ] || fail_now "tests/fake/clock_shift.so is not built"
# In front of what is to have it.
clock_wrapper=(env "CLOCK_SHIFT_FILE=$clock_file" "LD_PRELOAD=$build_top/tests/fake/clock_shift.so")

# clock_set WORD SECONDS: word 0, how wrong it is; word 2, how much more so at each look.
clock_set() {
    python3 - "$clock_file" "$1" "$2" <<-END
	import struct, sys
	with open(sys.argv[1], "r+b") as file:
	    file.seek(8 * int(sys.argv[2]))
	    file.write(struct.pack("<q", int(sys.argv[3])))
	END
}

# clock_reads: how often anybody has looked.
clock_reads() {
    od -A n -t d8 -j 8 -N 8 "$clock_file" | tr -d ' '
}
