# stacks.awk - what a panic's dump of a guest's kernel (run: ask_stacks) says, in a few lines: where
# each processor is, and each task that is a program or waits for what is no idle time, with the
# functions it is in, innermost first.
#
#     cpu 3: native_safe_halt
#     ip 161 D: wait_for_completion < synchronize_rcu < ...
{
    sub(/^\[ *[0-9.]+\] ?/, "")
}

/^NMI backtrace for cpu [0-9]+ skipped/ {
    print "cpu " $5 ": " name_of($NF)
    next
}

/^NMI backtrace for cpu [0-9]+/ {
    cpu = $5
    next
}

cpu != "" && /^RIP: / {
    split($2, where, ":")
    print "cpu " cpu ": " name_of(where[1] == "0033" ? "user space" : where[2])
    cpu = ""
}

/^task:/ {
    tell()
    task = substr($1, 6)
    state = $2
    sub(/^state:/, "", state)
    pid = $4
    sub(/^pid:/, "", pid)
    frames = ""
    depth = 0
    program = 0
    next
}

task != "" && /^RIP: 0033:/ {
    program = 1
}

# The first two, __schedule and schedule, say nothing.
task != "" && /^ [a-z_].*\+0x/ && depth < 8 {
    if ($1 !~ /^(__)?schedule\+/) {
        frames = frames (depth++ ? " < " : "") name_of($1)
    }
}

END {
    tell()
}

function name_of(frame) {
    sub(/\+0x.*/, "", frame)
    return frame
}

function tell() {
    if (task != "" && (program || state !~ /^[SI]$/)) {
        print task " " pid " " state ": " frames
    }
    task = ""
}
