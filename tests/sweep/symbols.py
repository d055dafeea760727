"""symbols.py - names for return addresses, for the fault sweep.

A chain is text: the functions from the innermost to the outermost, with "<" between them, those
that the compiler has put into others too, and in the place of other people's functions their
library.
"""
import bisect
import os
import subprocess

from unwind import Unwinder

PIE_BASE = 0x555555554000  # where Linux puts a program whose addresses are not random
FRAMES_MAX = 12  # as of allocations


class Symbols:
    def __init__(self, program):
        self.program = program
        self.names = {}
        self.starts, self.libraries = [], []
        self.unwinder = Unwinder()

    def learn_maps(self, lines):
        """Lines of /proc/PID/maps with instructions, as fault says them."""
        found = []
        for line in lines:
            parts = line.split()
            start, end = (int(word, 16) for word in parts[0].split("-"))
            found.append((start, end, os.path.basename(parts[-1]).split(".so")[0]))
        found.sort()
        self.unwinder.learn_maps(lines)
        self.starts = [start for start, _, _ in found]
        self.libraries = found

    def learn(self, calls):
        """Fills in the frames of system calls, the program's own, and asks for all names."""
        for call in calls:
            if call.words:
                call.frames = [frame for frame in self.unwinder.callers(call.words)
                               if self.library(frame) is None][:FRAMES_MAX]
        own = sorted({frame for call in calls for frame in call.frames
                      if frame not in self.names and self.library(frame) is None})
        if not own:
            return
        words = [hex(frame - PIE_BASE - 1) for frame in own]
        text = subprocess.run(["addr2line", "-aife", self.program], input="\n".join(words),
                              capture_output=True, text=True, check=True).stdout
        at, frames = -1, []
        for i, line in enumerate(text.splitlines()):
            if line.startswith("0x"):
                at, first = at + 1, i + 1
                frames.append([])
            elif (i - first) % 2 == 0:
                frames[at].append(line.split(".")[0])
        self.names.update({frame: "<".join(names) for frame, names in zip(own, frames)})

    def library(self, frame):
        """Whose instructions these are; None: the program's own."""
        i = bisect.bisect(self.starts, frame) - 1
        if i >= 0 and self.libraries[i][0] <= frame < self.libraries[i][1]:
            name = self.libraries[i][2]
            return None if name == os.path.basename(self.program) else name
        return None

    def chain(self, frames):
        words = []
        for frame in frames:
            name = self.library(frame) or self.names.get(frame, "?")
            if not words or words[-1] != name:
                words.append(name)
        return "<".join(words) or "-"
