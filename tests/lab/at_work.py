# SPDX-License-Identifier: GPL-2.0
"""Somebody at work on a namespace: a process that holds the lock that apply, revert and guards take."""
import contextlib
import os
import subprocess
import sys

CHANGE, REARM, GUARD = range(3)     # of user/act/lock.h

HOLD = """
import fcntl, sys, time
f = open(sys.argv[1], "w")
fcntl.lockf(f, fcntl.LOCK_EX, 1, int(sys.argv[2]))
print("held", flush=True)
time.sleep(300)
"""


@contextlib.contextmanager
def at_work(state, inode, work=CHANGE):
    os.makedirs(state, mode=0o700, exist_ok=True)
    process = subprocess.Popen([sys.executable, "-c", HOLD, f"{state}/lock", str(work << 32 | inode)],
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
