"""kept.py - a start with the sockets that the process before has left, for the fault sweep.

This program is the service manager: it keeps what a relay gives it to keep, and passes it to each
that is started next, as its descriptors from 3 on.
"""
import fcntl
import os
import signal

import traces
from fault import Program
from start import LIMIT_S, StartCase

SAFE_FD = 100


class KeptCase(StartCase):
    """keeps: how many names there are, of sockets and of the note."""

    def __init__(self, *args, keeps=3):
        super().__init__(*args)
        self.keeps = keeps
        self.kept = {}

    def run(self, command):
        names = [name for name in self.kept for _ in self.kept[name]]
        fds = [fd for name in self.kept for fd in self.kept[name]]
        env = {"FDSTORE": "64", "LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(names)}
        return Program(self.build, command, self.argv, env if fds else {"FDSTORE": "64"}, fds)

    def live(self, command):
        """One life, which has what the one before has left; then that is there as before."""
        if not self.kept:
            self.keep()
        result = super().live(command)
        if result[0].forgotten or self.groups != traces.of_groups():
            self.forget()
        return result

    def keep(self):
        """A life for the sake of what it leaves."""
        program = self.run("off")
        if not program.wait(lambda: program.ready and len(program.kept) >= self.keeps, LIMIT_S):
            raise SystemExit(f"{self.name}: nothing is kept\n" + "\n".join(program.said))
        for name, fds in program.kept.items():
            self.kept[name] = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, SAFE_FD) for fd in fds]
        program.signal(signal.SIGTERM)
        program.await_end(LIMIT_S)
        self.groups = traces.of_groups()

    def forget(self):
        for fds in self.kept.values():
            for fd in fds:
                os.close(fd)
        self.kept = {}

    def end(self):
        self.forget()
        return ""
