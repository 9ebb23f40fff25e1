#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Does every kernel have the fields that our programs read? Without booting: bpftool resolves
each object's CO-RE relocations against the kernel's type information. A field may be missing
only where bpf/compat.bpf.h expects it: in a flavour of its struct (___name). Needs no root; what
no verifier and no hook can object to is all that it checks.

    relocations.py RESULTS     writes RESULTS/relocations.xml (JUnit)
"""
import os
import re
import subprocess
import sys

import kernels

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import junit    # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OBJECTS = ("act.bpf.o", "ask.bpf.o", "pass.bpf.o", "watch.bpf.o")
BPFTOOL = next((p for p in ("/usr/sbin/bpftool", "/usr/local/sbin/bpftool") if os.path.exists(p)),
               "bpftool")


def missing_fields(btf, objects):
    """What no candidate of the kernel's matches, and how many relocations there were."""
    done = subprocess.run([BPFTOOL, "-d", "gen", "min_core_btf", btf, "/dev/null", *objects],
                          capture_output=True, text=True)
    log = done.stdout + done.stderr
    if done.returncode:
        raise RuntimeError(log.strip().splitlines()[-1])
    absent, count, what = set(), 0, None
    for line in log.splitlines():
        tried = re.search(r"relo #\d+: <\w+> \[\d+\] (.*)", line)
        if tried:
            what, count = tried[1], count + 1
        elif line.endswith("no matching targets found"):
            absent.add(what)
    return sorted(absent), count


def judge(name):
    """(passed, skipped, words)"""
    architecture = kernels.KERNELS[name][0]
    btf = kernels.cached("kernels", name, "btf")
    directory = os.path.join(ROOT, kernels.build_directory(architecture))
    objects = [os.path.join(directory, o) for o in OBJECTS]
    if not os.path.exists(btf):
        return False, True, "this kernel is not in the cache: make test-kernels fetches it"
    if not all(map(os.path.exists, objects)):
        return False, True, f"no objects for {architecture} in {directory}"
    absent, count = missing_fields(btf, objects)
    unguarded = [what for what in absent if "___" not in what]
    if unguarded or not count:
        return False, False, f"not in {kernels.release(name)}: " + "; ".join(unguarded)
    return True, False, f"{kernels.release(name)}: {count} relocations, {len(absent)} by flavour"


def main(results):
    cases, skips, failed = {}, set(), False
    for name in kernels.KERNELS:
        passed, skipped, words = judge(name)
        failed |= not passed and not skipped
        skips |= {name} if skipped else set()
        cases[name] = "" if passed else words
        print(f"{'ok' if passed else 'SKIP' if skipped else 'FAIL':5}{name:10} {words}")
    junit.write(results, "relocations", cases, skips)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
