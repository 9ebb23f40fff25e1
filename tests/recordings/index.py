#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Which recordings there have to be: the file `index`, two words a line: `scenario NAME` where `make
scenarios` makes it anew, `kept NAME` where nobody does.

    index.py                      says what is missing here, and what has no line
    index.py --add KIND NAME      a line for a recording that was put here
    index.py --adopt DIRECTORY    takes the recordings of all scenarios from there, in place of ours

--adopt changes nothing unless DIRECTORY holds each scenario of the index; those that are new get a line.
Where a scenario is gone on purpose, take its line out first."""
import glob
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ("scenario", "kept")


def read(directory=HERE):
    """{name: kind}"""
    path, lines = os.path.join(directory, "index"), {}
    with open(path) as f:
        for number, line in enumerate(f, 1):
            words = line.split()
            if len(words) != 2 or words[0] not in KINDS or words[1] in lines:
                sys.exit(f"{path}: line {number}: expected `scenario NAME` or `kept NAME`, each NAME once")
            lines[words[1]] = words[0]
    return lines


def write(directory, lines):
    with open(os.path.join(directory, "index"), "w") as f:
        f.writelines(f"{kind} {name}\n" for name, kind in sorted(lines.items()))


def recording_of(directory, name):
    """Its path, or None."""
    paths = (os.path.join(directory, name + end) for end in (".ho.zst", ".ho"))
    return next(filter(os.path.exists, paths), None)


def present(directory):
    """The names of what lies there, whole or not."""
    return {os.path.basename(path)[:-len(end)] for end in (".json", ".ho.zst", ".ho")
            for path in glob.glob(os.path.join(directory, "*" + end))}


def is_whole(directory, name):
    return bool(recording_of(directory, name)) and \
        os.path.exists(os.path.join(directory, name + ".json"))


def differences(directory=HERE):
    """{name: what is wrong with it}, of the index and of what lies there."""
    lines, there = read(directory), present(directory)
    wrong = {name: "is not in the index (index.py --add)" for name in there - set(lines)}
    for name in lines:
        if not is_whole(directory, name):
            wrong[name] = "is in the index, and NAME.json or the recording is missing"
    return wrong


def adopt(made):
    lines, there = read(), present(made)
    scenarios = {name for name, kind in lines.items() if kind == "scenario"}
    lacking = {name for name in scenarios | there if not is_whole(made, name)}
    taken = {name for name in there if lines.get(name) == "kept"}
    if lacking or taken:
        for name in sorted(lacking):
            print(f"recording {name}: was not made", file=sys.stderr)
        for name in sorted(taken):
            print(f"recording {name}: is kept; a scenario has the same name", file=sys.stderr)
        print("recordings: nothing was changed", file=sys.stderr)
        return 1
    new, old = HERE + ".new", HERE + ".old"
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    ends = tuple(name + end for name in scenarios for end in (".json", ".ho.zst", ".ho"))
    shutil.copytree(HERE, new, ignore=lambda _, files: [f for f in files if f in ends])
    shutil.copytree(made, new, dirs_exist_ok=True)
    write(new, lines | {name: "scenario" for name in there})
    os.rename(HERE, old)
    os.rename(new, HERE)
    shutil.rmtree(old)
    print(f"recordings: {len(there)} scenarios made anew, {len(there - scenarios)} of them new; "
          f"{len(lines) - len(scenarios)} kept")
    return 0


def main(arguments):
    if arguments[:1] == ["--adopt"] and len(arguments) == 2:
        return adopt(arguments[1])
    if arguments[:1] == ["--add"] and len(arguments) == 3 and arguments[1] in KINDS:
        if not is_whole(HERE, arguments[2]):
            sys.exit(f"{arguments[2]}: NAME.json or the recording is missing")
        write(HERE, read() | {arguments[2]: arguments[1]})
    elif arguments:
        sys.exit(__doc__)
    wrong = differences()
    for name, what in sorted(wrong.items()):
        print(f"recording {name}: {what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
