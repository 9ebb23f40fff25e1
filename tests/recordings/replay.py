#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Replays the recordings that are kept here and compares what is told of a socket with what was
told when it was recorded.

    replay.py PROGRAM RESULTS       writes RESULTS/recordings.xml (JUnit)

NAME.ho.zst is a recording of a scenario of the lab, made by `make scenarios`; NAME.json has the
options and the timeline of that time. pool_*.ho.zst are of pools of devices (`make
pools-recorded`): NAME.json has all that was said of who came back as whom. A later version may tell more, in keys of its own: what was
told then must still be told, in the same words. format*.ho are of formats that are not written
any more. Each is named by a line of the file `index` (index.py), so that none is lost unnoticed.
"""
import json
import os
import subprocess
import sys

import index

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import junit    # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
# Counts lines of the run: others may have come in between.
NOT_COMPARED = {"seq"}


def difference(then, now, where=""):
    """The first place where something that was told then is told otherwise now; None if nowhere."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key, value in then.items():
            if key in NOT_COMPARED:
                continue
            if key not in now:
                return f"{where}.{key} is not told any more"
            found = difference(value, now[key], f"{where}.{key}")
            if found:
                return found
        return None
    if isinstance(then, list) and isinstance(now, list):
        if len(then) != len(now):
            return f"{where} has {len(now)} members, not {len(then)}"
        return next((d for n, (a, b) in enumerate(zip(then, now))
                     if (d := difference(a, b, f"{where}[{n}]"))), None)
    return None if then == now else f"{where} is {now!r}, not {then!r}"


def superseded(output):
    """What is said of who came back as whom: [old, new, confidence, suspicion or finding], in order."""
    said = []
    for l in map(json.loads, output.splitlines()):
        if l["schema"] == "halfopen.event/1" and l["event"] == "superseded":
            said.append([l["socket"]["cookie"], l["by"]["cookie"], l["confidence"], "suspicion"])
        elif l["schema"] == "halfopen.timeline/1" and "superseded_by" in l.get("half_open", {}):
            by = l["half_open"]["superseded_by"]
            said.append([l["socket"]["cookie"], by["cookie"], by["confidence"], l["half_open"]["found_by"]])
    return said


def check(program, name):
    with open(os.path.join(HERE, name + ".json")) as f:
        then = json.load(f)
    recording = index.recording_of(HERE, name)
    r = subprocess.run([program, "watch", "--json", "-r", recording, *then["arguments"]],
                       capture_output=True, text=True)
    if r.returncode or r.stderr:
        return f"exit code {r.returncode}: {r.stderr.strip()}"
    if "superseded" in then:
        return difference(then["superseded"], superseded(r.stdout), "superseded")
    cookie = then["timeline"]["socket"]["cookie"]
    told = [l for l in map(json.loads, r.stdout.splitlines())
            if l["schema"] == "halfopen.timeline/1" and l["socket"]["cookie"] == cookie]
    if not told:
        return f"no timeline of socket {cookie}"
    return difference(then["timeline"], told[-1], "timeline")


def main(program, results):
    cases = index.differences()
    cases |= {name: check(program, name) for name in sorted(index.read()) if name not in cases}
    failed = {name: wrong for name, wrong in cases.items() if wrong}
    junit.write(results, "recordings", cases)
    for name, wrong in failed.items():
        print(f"recording {name}: {wrong}")
    print(f"recordings: {len(cases)} replayed, {len(failed)} differ")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
