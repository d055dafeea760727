#!/usr/bin/env python3
"""answers.py SOCKET SECONDS: how long a client of the control socket SOCKET waits at the longest.

In milliseconds, for the shortest of answers, asked for every 2 ms for so long. See suites/live.sh.
"""

import socket
import sys
import time

PAUSE_S = 0.002


def longest_ms(path, seconds):
    """The longest of all waits."""
    longest = 0
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        answers = client.makefile("rb")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            asked = time.monotonic()
            client.sendall(b'{"version":1,"command":"version"}\n')
            answers.readline()
            longest = max(longest, time.monotonic() - asked)
            time.sleep(PAUSE_S)
    return longest * 1000


print(f"{longest_ms(sys.argv[1], float(sys.argv[2])):.2f}")
