#!/usr/bin/env python3
"""Plays the service manager with a descriptor store, for one service, as sd_notify(3) has it.

    store.py DIR COMMAND...

Runs COMMAND with NOTIFY_SOCKET and FDSTORE, keeps what FDSTORE=1 brings by its FDNAME, lets go of
it at FDSTOREREMOVE=1, and starts COMMAND again, with all that it keeps as LISTEN_FDS, whenever it
ends. Until SIGTERM, which ends both. In DIR it leaves

    pid     of the process that runs
    starts  how often one was started
    status  of each process that has ended, a line each
    kept    a line for each descriptor that is kept: its name and inode
    said    every message, with its descriptors' inodes
"""
import os
import select
import signal
import socket
import sys

FIRST_FD = 3
LIMIT = 8193


class Manager:
    def __init__(self, folder, command):
        self.folder, self.command = folder, command
        self.kept = []  # of (name, descriptor)
        self.starts = 0
        self.pid = 0
        self.ending = False
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind(os.path.join(folder, "notify"))
        os.chmod(os.path.join(folder, "notify"), 0o666)

    def write(self, name, text, mode="w"):
        path = os.path.join(self.folder, name)
        if mode == "a":
            with open(path, "a", encoding="utf-8") as file:
                file.write(text)
            return
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".new", path)

    def start(self):
        self.pid = os.fork()
        if self.pid == 0:
            self.execute()
        self.starts += 1
        self.write("pid", f"{self.pid}\n")
        self.write("starts", f"{self.starts}\n")

    def execute(self):
        """In the child: descriptors from 3 on, and the variables that name them."""
        env = dict(os.environ, NOTIFY_SOCKET=os.path.join(self.folder, "notify"),
                   FDSTORE=str(LIMIT))
        # Beyond both those that they have here and those that they are to have.
        safe = 1 + max([FIRST_FD + len(self.kept)] + [fd for _, fd in self.kept])
        moved = [os.dup2(fd, safe + i, inheritable=False) for i, (_, fd) in enumerate(self.kept)]
        for i, fd in enumerate(moved):
            os.dup2(fd, FIRST_FD + i, inheritable=True)
        if moved:
            env.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(moved)),
                       LISTEN_FDNAMES=":".join(name for name, _ in self.kept))
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvpe(self.command[0], self.command, env)

    def hear(self):
        data, fds, _, _ = socket.recv_fds(self.socket, 4096, 16)
        words = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
        name = words.get("FDNAME", "stored")
        inodes = " ".join(str(os.fstat(fd).st_ino) for fd in fds)
        self.write("said", " ".join(data.decode().split("\n")) + f" [{inodes}]\n", "a")
        if words.get("FDSTOREREMOVE") == "1":
            for _, fd in [item for item in self.kept if item[0] == name]:
                os.close(fd)
            self.kept = [item for item in self.kept if item[0] != name]
        elif words.get("FDSTORE") == "1":
            self.keep(name, fds)
        self.tell()

    def keep(self, name, fds):
        known = [os.fstat(fd).st_ino for _, fd in self.kept]
        for fd in fds:
            os.set_inheritable(fd, False)  # what is received is not so by itself
            if os.fstat(fd).st_ino in known or len(self.kept) >= LIMIT:
                os.close(fd)
            else:
                self.kept.append((name, fd))

    def tell(self):
        self.write("kept", "".join(f"{name} {os.fstat(fd).st_ino}\n" for name, fd in self.kept))

    def bury(self):
        """A process has ended; says whether that was the last."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG) if self.pid else (0, 0)
            if pid == 0:
                return False
            if pid == self.pid:
                break
        while select.select([self.socket], [], [], 0)[0]:
            self.hear()  # what it said before it ended
        self.write("status", f"{os.waitstatus_to_exitcode(status)}\n", "a")
        self.pid = 0
        if not self.ending:
            self.start()
        return self.ending

    def run(self):
        signals = [signal.SIGTERM, signal.SIGCHLD]
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for one in signals:
            signal.signal(one, lambda *_: None)
        self.tell()
        self.start()
        while True:
            for ready in select.select([self.socket, reader], [], [])[0]:
                if ready is self.socket:
                    self.hear()
                    continue
                if signal.SIGTERM in os.read(reader, 64):
                    self.ending = True
                    os.kill(self.pid, signal.SIGTERM)
                if self.bury():
                    return


if __name__ == "__main__":
    Manager(sys.argv[1], sys.argv[2:]).run()
