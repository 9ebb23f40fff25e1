#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Which room of user/ includes which, and whether rooms and the parts of each stand in order.

    includes.py RESULTS       writes RESULTS/includes.xml (JUnit)

The table in docs/DESIGN.md (Rooms) says what each may include: | `room` | what it is | may include |, the
last one a list of rooms, "all" where it may include any. A header is included by its folder's name and its
own: "connection/silence.h" (but within timeline/, whose headers are for others, too).
"""
import os
import pathlib
import re
import sys

import junit

ROOT = pathlib.Path(__file__).resolve().parent.parent
USER = ROOT / "user"
FOLDERS = (USER, USER / "core", USER / "sink", USER / "source")
# Files of one subject that lean on each other still.
STILL_A_CIRCLE = [
    {"stream/record", "stream/record_fields"},
    {"tuning/idle_timeout", "tuning/known_timers", "tuning/timer_mixture", "tuning/timer_profile",
     "tuning/timer_steps"},
]


def table():
    rows = re.findall(r"^\| `([\w/]+)` \|[^|]*\| ([\w/, ]+) \|$", (ROOT / "docs/DESIGN.md").read_text(),
                      re.MULTILINE)
    return {room: set(may.split(", ")) - {"nothing"} for room, may in rows}


def room_of(path):
    return str(path.parent.relative_to(USER))


def find(path, header):
    if room_of(path) == "timeline" and (path.parent / header).is_file():
        return path.parent / header
    return next((folder / header for folder in FOLDERS if (folder / header).is_file()), None)


def includes():
    """(file, where, header's text, the header or None) of all that is included as ours"""
    for path in sorted(USER.rglob("*.[ch]")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            included = re.match(r'#include "([^"]+)"', line)
            if included:
                yield path, f"{path.relative_to(ROOT)}:{number}", included[1], find(path, included[1])


def foreign(may):
    """What is included from where it should not be."""
    for path, where, text, header in includes():
        room = room_of(path)
        if header is None:
            if not (ROOT / "bpf" / text).is_file() and not text.endswith(".skel.h"):
                yield f'{where}: "{text}" names no folder and file of ours'
        elif room != "." and room not in may:
            yield f"{where}: docs/DESIGN.md (Rooms) has no room {room}"
        elif room != "." and room_of(header) not in may[room] | {room} and may[room] != {"all"}:
            yield f"{where}: {room} may not include {room_of(header)} (docs/DESIGN.md, Rooms)"
    yield from (f"docs/DESIGN.md (Rooms): there is no user/{room}" for room in may if not (USER / room).is_dir())


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


def arrows(name_of):
    """What leads where, by names of rooms or of modules."""
    lead = {}
    for path, _, _, header in includes():
        lead.setdefault(name_of(path), set())
        if header is not None and name_of(header) != name_of(path):
            lead[name_of(path)].add(name_of(header))
            lead.setdefault(name_of(header), set())
    return lead


def module_of(path):
    return f"{path.parent.name}/{path.stem}"


def new_circles(name_of):
    for circle in circles(arrows(name_of)):
        if not any(circle <= known for known in STILL_A_CIRCLE):
            yield "a circle: " + ", ".join(sorted(circle))


def main(results):
    may = table()
    cases = {"each room includes what it may": list(foreign(may)),
             "rooms stand in order": list(new_circles(room_of)),
             "modules stand in order": list(new_circles(module_of))}
    junit.write(results, "includes", {name: "; ".join(wrong) for name, wrong in cases.items()})
    for wrong in cases.values():
        print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if any(cases.values()) or len(may) < 10 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
