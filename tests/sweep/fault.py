"""fault.py - a program whose calls can be made to fail, for the fault sweep.

Program runs something under build/tests/fake/fault (tests/fake/fault.c has the words of its pipe),
gathers what it writes, and tells when it is ready, by the service manager's protocol, so that
a log that cannot be written hides nothing.
"""
import fcntl
import itertools
import os
import selectors
import socket
import subprocess
import time


PIPE_BYTES = 1 << 20  # all that is said while an order is waited for

numbers = itertools.count()


class Call:
    """One system call or allocation of a program: its name, which one of that name, to what.
    frames: return addresses, the innermost first; of a system call these are not known before
    symbols.py has made them of `words', what its stack held."""

    def __init__(self, name, nth, frames, what, words=()):
        self.name, self.nth, self.frames, self.what, self.words = name, nth, frames, what, words

    def __repr__(self):
        return f"{self.name} #{self.nth} {self.what}"


class Program:
    """A program under fault. `said' are its lines on standard error, `calls' what was recorded,
    `failed' the call that was made to fail, `status' how it ended, 128 and more for a signal."""

    def __init__(self, build, command, argv, env=None, passed=()):
        """passed: descriptors, all of 100 and more, that it has from 3 on."""
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.notify.bind(f"\0numacast-sweep-{os.getpid()}-{next(numbers)}")
        environment = {**os.environ, **(env or {})}
        environment["NOTIFY_SOCKET"] = "@" + self.notify.getsockname()[1:].decode()
        if passed:
            environment["FAULT_PASS"] = ",".join(str(fd) for fd in passed)
        self.process = subprocess.Popen(
            [f"{build}/tests/fake/fault", command, f"{build}/tests/fake/fault_alloc.so", *argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
            pass_fds=passed)
        fcntl.fcntl(self.process.stdout, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.said, self.calls, self.sites, self.maps, self.left = [], [], {}, [], []
        self.failed = self.status = self.pid = None
        self.allocated = 0
        self.ready = False
        self.kept = {}  # by name, what it gave us to keep
        self.forgotten = set()  # names of what it wants us to keep no more
        self.answers = []
        self.partial = {"out": b"", "err": b""}
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ, "out")
        self.selector.register(self.process.stderr, selectors.EVENT_READ, "err")
        self.selector.register(self.notify, selectors.EVENT_READ, "notify")
        self.open = 2

    def wait(self, condition, limit_s):
        """Gathers until condition() holds; False when the time is over or both pipes are closed."""
        end = time.monotonic() + limit_s
        while not condition():
            left = end - time.monotonic()
            if left <= 0 or self.open == 0:
                return condition()
            for key, _ in self.selector.select(left):
                self.gather(key)
        return True

    def gather(self, key):
        if key.data == "notify":
            self.hear()
            return
        data = os.read(key.fd, 1 << 20)
        if not data:
            self.selector.unregister(key.fileobj)
            self.open -= 1
        lines = (self.partial[key.data] + data).split(b"\n")
        self.partial[key.data] = lines.pop()
        for line in lines:
            line = line.decode(errors="replace")
            if key.data == "err":
                self.said.append(line)
            else:
                self.take(line)

    def hear(self):
        """One message to the service manager."""
        text, fds, _, _ = socket.recv_fds(self.notify, 65536, 16)
        words = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
        self.ready |= words.get("READY") == "1"
        if words.get("FDSTOREREMOVE") == "1":
            self.forgotten.add(words["FDNAME"])
        elif words.get("FDSTORE") == "1":
            self.kept.setdefault(words["FDNAME"], []).extend(fds)
        else:
            assert not fds

    def take(self, line):
        word, _, rest = line.partition(" ")
        parts = rest.split(" ")
        if word in ("call", "failed") and parts[0] != "alloc":
            words = [tuple(int(part, 16) for part in word.split("@"))
                     for word in parts[2].split(",")]
            call = Call(parts[0], int(parts[1]), (), " ".join(parts[3:]), words)
            self.calls.append(call)
            if word == "failed":
                self.failed = call
        elif word == "failed":
            self.failed = Call("alloc", int(parts[1]), [], "-")
        elif word == "alloc":
            self.sites[int(parts[0])] = tuple(int(frame, 16) for frame in parts[1:])
        elif word == "map":
            self.maps.append(rest)
        elif word == "pid":
            self.pid = int(rest)
        elif word == "live":
            self.allocated = int(rest)
        elif word == "left":
            self.left.append(rest)
        elif word == "end":
            self.status = int(rest)
        else:
            self.answers.append(line)

    def order(self, text, answer):
        """A command to fault, and its answer."""
        self.answers.clear()
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        return self.wait(lambda: answer in self.answers, 10)

    def signal(self, number):
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def await_end(self, limit_s):
        """False when it had to be killed."""
        ended = self.wait(lambda: self.status is not None, limit_s)
        self.close()
        return ended

    def close(self):
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        self.wait(lambda: False, 10)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for fds in self.kept.values():
            for fd in fds:
                os.close(fd)
        self.kept = {}
        self.selector.close()
        self.process.stdout.close()
        self.process.stderr.close()
        self.notify.close()
