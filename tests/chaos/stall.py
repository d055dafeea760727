#!/usr/bin/env python3
"""Stops one thread, and not its process: stall.py TID [MILLISECONDS]

For so long, or until SIGTERM; when stall.py has ended, however it did, the thread runs.

By ptrace, since signals stop whole processes and a freezer of its own needs a cgroup of its own.
"""
import ctypes
import os
import signal
import sys
import time

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WAIT_ALL = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ask(request, tid):
    if libc.ptrace(request, tid, None, None) < 0:
        sys.exit(f"stall: {tid}: {os.strerror(ctypes.get_errno())}")


tid = int(sys.argv[1])
signal.alarm(60)
ask(PTRACE_SEIZE, tid)
ask(PTRACE_INTERRUPT, tid)
os.waitpid(tid, WAIT_ALL)
time.sleep(int(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 60)
ask(PTRACE_DETACH, tid)
