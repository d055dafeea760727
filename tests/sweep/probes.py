"""probes.py - the cases of the fault sweep that are numacast-probe: names, then what makes each."""
import net
from probe import RecvCase, SendCase

PROBED = "239.3.1.1", 7000
PATIENT = "--max-lag", "10"  # so that a busy machine is nothing to tell


def send(name, *argv, beyond=()):
    def make(build, work):
        return SendCase(name, build, [*argv, *PATIENT, f"{PROBED[0]}%lo:{PROBED[1]}"], work,
                        PROBED)
    make.beyond = beyond
    return name, make


def send_frames(build, work):
    net.make_pairs()
    return SendCase("probe-frames", build,
                    ["--count", "8", "--frames", "--flows", "2", *PATIENT,
                     f"{PROBED[0]}%v1:{PROBED[1]}"], work, PROBED, "v0")


def recv(name, at, *argv, sends=(), beyond=()):
    """Ten datagrams come to each of two places."""
    def make(build, work):
        return RecvCase(name, build, ["--idle", "0.4", "--duration", "20", "--expect-flows", "2",
                                      "--expect-per-flow", "10", *argv, at],
                        work, ["--count-per-flow", "10", "--gso", "5", *sends, at])
    make.beyond = beyond
    return name, make


send_frames.beyond = ("probe-send",)

CASES = (
    send("probe-send", "--count", "40", "--flows", "2", "--size", "20-2000", "--gso", "4",
         "--rate", "20k", "--end-marker"),
    send("probe-send-json", "--count", "40", "--size", "500", "--gso", "4", "--rate", "20k",
         "--json", "--ttl", "2", "--dscp", "EF", "--source", "127.0.0.1", "--source-port", "7999",
         beyond=("probe-send",)),
    ("probe-frames", send_frames),
    recv("probe-recv", "239.3.1.0/31%lo:7001", "--json", "--gro", "--count", "20"),
    recv("probe-recv-text", "239.3.1.0/31%lo:7001", "--per-flow", "--until-end",
         sends=["--end-marker"], beyond=("probe-recv",)),
    recv("probe-recv-six", "[::1]:7001-7002", "--json", "--until-end", sends=["--end-marker"],
         beyond=("probe-recv",)),
)
