#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Which folder of user/ includes what of which other, and whether the core's parts stand in order.

    includes.py RESULTS       writes RESULTS/includes.xml (JUnit)

docs/DESIGN.md (One direction) says why: data flow one way, and a sink asks nobody.
"""
import glob
import os
import re
import sys
from xml.sax.saxutils import quoteattr

# Folder -> folders whose headers it may include. What is not named here may include all.
MAY_INCLUDE = {
    "value": {"value"},
    "timeline": {"timeline", "value"},
    "core": {"core", "timeline", "value"},
}
# These sinks take values alone.
PUBLIC_SINKS = {"lines", "text"}
SINKS_INCLUDE = {"sink", "timeline", "value"}
# Parts of the core that lean on each other still: one subject in several files.
STILL_A_CIRCLE = [
    {"record", "record_fields"},
    {"idle_timeout", "known_timers", "timer_mixture", "timer_profile", "timer_steps"},
]


def included(path):
    with open(path) as f:
        return [os.path.basename(i) for i in re.findall(r'^#include "([^"]+)"', f.read(), re.M)]


def foreign(folder_of):
    """What is included from where it should not be."""
    for path in sorted(glob.glob("user/**/*.[ch]", recursive=True)):
        folder = path.split("/")[1]
        name = os.path.basename(path)[:-2]
        allowed = MAY_INCLUDE.get(folder)
        if folder == "sink" and name in PUBLIC_SINKS:
            allowed = SINKS_INCLUDE
        for header in included(path) if allowed else ():
            if folder_of.get(header, folder) not in allowed:
                yield f"{path} includes {header} of user/{folder_of[header]}"


def circles(arrows):
    """Sets of modules each of which leads back to itself through the others (Tarjan)."""
    number, low, stack, found = {}, {}, [], []

    def visit(module):
        number[module] = low[module] = len(number)
        stack.append(module)
        for other in arrows[module]:
            if other not in number:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], number[other])
        if low[module] == number[module]:
            at = stack.index(module)
            found.append(set(stack[at:]))
            del stack[at:]

    for module in sorted(arrows):
        if module not in number:
            visit(module)
    return [c for c in found if len(c) > 1]


def new_circles():
    files = sorted(glob.glob("user/core/**/*.[ch]", recursive=True))
    modules = {os.path.basename(f)[:-2] for f in files}
    arrows = {m: set() for m in modules}
    for f in files:
        arrows[os.path.basename(f)[:-2]] |= {h[:-2] for h in included(f)} & modules
    for module in modules:
        arrows[module].discard(module)
    for circle in circles(arrows):
        if not any(circle <= known for known in STILL_A_CIRCLE):
            yield "a circle: " + ", ".join(sorted(circle))


def main(results):
    folder_of = {os.path.basename(h): h.split("/")[1]
                 for h in glob.glob("user/**/*.h", recursive=True)}
    cases = {"each folder includes what it may": list(foreign(folder_of)),
             "the core's parts stand in order": list(new_circles())}
    with open(os.path.join(results, "includes.xml"), "w") as f:
        f.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites><testsuite name="includes" '
                f'tests="{len(cases)}">\n')
        for name, wrong in cases.items():
            f.write(f'<testcase name={quoteattr("includes: " + name)}>')
            f.write(f"<failure message={quoteattr('; '.join(wrong))}/>" if wrong else "")
            f.write("</testcase>\n")
        f.write("</testsuite></testsuites>\n")
    for wrong in cases.values():
        print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if any(cases.values()) or len(folder_of) < 50 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
