#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Who came back as whom, as halfopen says it of pools whose truth is known (pools.py).

  linkage.py PROGRAM [--draws N] [--seed FIRST] [--jobs N] [--check RESULTS | --record DIRECTORY]

A claim is a suspicion (`superseded` among the events) or a finding (`found_by` superseded); it is right where
the device of the old connection had left it and dialled again, and this is what it dialled then. --check
plays a few pools, fails where what is said is wrong by more than chance allows, and writes
RESULTS/linkage.xml. --record makes the recordings of pools in tests/recordings anew."""
import argparse
import concurrent.futures
import json
import math
import os
import subprocess
import sys
import tempfile
from collections import defaultdict

import pools

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import junit    # noqa: E402

# (devices, hours, pools for each draw): less time and fewer for many, that a table takes minutes
SIZES = ((2, 24, 3), (5, 24, 3), (20, 12, 3), (100, 6, 1), (300, 3, 1), (1000, 2, 0.5), (10000, 0.35, 0.05))
KINDS = (*pools.PORTS, "all")
CHECKED = ((3, 12, 3), (20, 6, 3), (300, 1, 1))


def play(program, ports, size, seed):
    """[(kind, said, right)], how many came back while their old connection was there."""
    pool = pools.Pool(ports, size[0], size[1], seed)
    if not pool.records:
        return [], 0, 0
    right = pool.successors()
    gone = {c.cookie: c.gone for c in pool.connections}
    opened = {c.cookie: c.opened for c in pool.connections}
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "pool.ho")
        pools.write(path, [pool])
        out = subprocess.run([program, "watch", "--json", "--events", "-r", path], check=True,
                             capture_output=True, text=True).stdout
    claims, last = [], {}
    for line in out.splitlines():
        if '"superseded' not in line:
            continue
        l = json.loads(line)
        old = int(l["socket"]["cookie"])
        if l["schema"] == "halfopen.event/1" and l["event"] == "superseded":
            claims.append(("suspicion", l["confidence"], int(l["by"]["cookie"]) in right[old]))
        elif l["schema"] == "halfopen.timeline/1" and l.get("half_open", {}).get("found_by") == "superseded":
            by = l["half_open"]["superseded_by"]
            last[old] = ("finding", by["confidence"], int(by["cookie"]) in right[old])
    back = sum(bool(n) and pools.BEGIN < min(opened[x] for x in n) < pool.end for n in right.values())
    found = sum(c[2] for c in last.values())
    return claims + list(last.values()), back, found


def record(arguments):
    """A pool of each kind as a recording that the replay compares (tests/recordings/replay.py)."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "recordings"))
    from replay import superseded
    for ports in pools.PORTS:
        base = os.path.join(arguments.record, "pool_" + ports)
        pools.write(base + ".ho", [pools.Pool(ports, n, hours, arguments.seed, k)
                                   for k, (n, hours) in enumerate(((2, 6), (12, 2), (40, 1)))])
        subprocess.run(["zstd", "-q", "-19", "--rm", "-f", base + ".ho"], check=True)
        told = subprocess.run([arguments.program, "watch", "--json", "--events", "-r", base + ".ho.zst"],
                              check=True, capture_output=True, text=True).stdout
        with open(base + ".json", "w") as f:
            lines = ",\n".join(json.dumps(said) for said in superseded(told))
            f.write('{"arguments": ["--events"], "superseded": [\n%s]}\n' % lines)


def share(claims):
    return sum(c[2] for c in claims) / len(claims) if claims else math.nan


def deciles(claims):
    by = defaultdict(list)
    for c in claims:
        if c[0] == "suspicion":
            by[min(9, int(c[1] * 10))].append(c)
    return by


def off(draws):
    """How far the share that is right is off what was said on average, beyond two standard errors: claims of
    one pool are alike, so that pools, not claims, are what chance draws. Fewer than five say nothing."""
    pools_of = [[c[2] - c[1] for c in some] for some in draws if some]
    claims = sum(map(len, pools_of))
    if len(pools_of) < 5:
        return 0
    mean = sum(map(sum, pools_of)) / claims
    error = math.sqrt(sum((sum(some) - len(some) * mean) ** 2 for some in pools_of)) / claims
    return abs(mean) - 2 * max(error, 0.5 / math.sqrt(len(pools_of)))


def run(arguments, cases):
    told = {}
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs) as pool:
        work = {}
        for ports, size in cases:
            draws = range(arguments.seed, arguments.seed + max(1, round(arguments.draws * size[2])))
            work[ports, size] = [pool.submit(play, arguments.program, ports, size, seed) for seed in draws]
        for case, futures in work.items():
            told[case] = [f.result() for f in futures]
    return told


def check(arguments):
    cases = [(ports, size) for ports in pools.PORTS for size in CHECKED]
    told = run(arguments, cases)
    failed = {}
    for ports in KINDS:
        draws = [d[0] for (p, _), of_case in told.items() if ports in (p, "all") for d in of_case]
        findings = [c for claims in draws for c in claims if c[0] == "finding"]
        for decile in range(3, 10):
            some = [deciles(claims)[decile] for claims in draws]
            if off(some) > 0.10:
                said = [c for claims in some for c in claims]
                failed[ports] = f"{len(said)} suspicions of about {decile * 10 + 5} %: {share(said):.0%} were right"
        if sum(not c[2] for c in findings) > 1 + len(findings) // 50:
            failed[ports] = f"of {len(findings)} findings {share(findings):.1%} were right"
    junit.write(arguments.check, "linkage", {ports: failed.get(ports) for ports in KINDS})
    print(f"linkage: {sum(map(len, told.values()))} pools, wrong: {failed or 'none'}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--most", type=int, default=10**9, help="devices of a pool")
    parser.add_argument("--check", metavar="RESULTS")
    parser.add_argument("--record", metavar="DIRECTORY")
    arguments = parser.parse_args()
    if arguments.record:
        return record(arguments)
    if arguments.check:
        arguments.draws = 2
        return check(arguments)
    cases = [(ports, size) for ports in pools.PORTS for size in SIZES if size[0] <= arguments.most]
    told = run(arguments, cases)
    print("| ports | devices | pools | came back | suspicions | right | mean said | findings | right | of those that came back |")
    print("|---" * 10 + "|")
    everything = []
    for (ports, size), draws in told.items():
        claims = [c for d in draws for c in d[0]]
        everything += [(ports, c) for c in claims]
        suspicions, findings = ([c for c in claims if c[0] == k] for k in ("suspicion", "finding"))
        back = sum(d[1] for d in draws)
        said = sum(c[1] for c in suspicions) / len(suspicions) if suspicions else math.nan
        print(f"| {ports} | {size[0]} | {len(draws)} | {back} | {len(suspicions)} | {share(suspicions):.1%} | {said:.1%} | "
              f"{len(findings)} | {share(findings):.1%} | {sum(d[2] for d in draws) / max(1, back):.0%} |")
    print("\n| said | " + " | ".join([*pools.PORTS, "all"]) + " |\n" + "|---" * (len(pools.PORTS) + 2) + "|")
    for decile in range(3, 10):
        cells = []
        for ports in [*pools.PORTS, None]:
            some = deciles(c for p, c in everything if ports in (p, None)).get(decile, [])
            cells.append(f"{share(some):.0%} of {len(some)}" if some else "")
        print(f"| {decile * 10} to {decile * 10 + 10} % | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
