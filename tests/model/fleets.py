#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What `halfopen advise` estimates of fleets whose timers are known: a table, a row a case.

  fleets.py FLEETS HALFOPEN [--draws N] [--seed FIRST] [--then] [--check RESULTS] [CASE ...]

FLEETS makes the timelines (fleets.c). Each draw is another fleet, its timer within 15 % of the case's.
A draw is `false` where a timer is told and there is none, `holds` where the interval told holds the
(lesser) timer, `gives up` where it holds the other one and says that some were lost sooner, `misses` where
it does neither, `silent` where no estimate is given; `wrong bound` is a silent one whose low_s is above the
timer, or its high_s below. --then: a fleet of which nothing is told is asked on as its would_tell says,
and what is told then counts; the days are those that it said. --check fails where a case goes wrong more often than by chance, and writes
RESULTS/fleets.xml."""
import argparse
import concurrent.futures
import json
import math
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import junit    # noqa: E402


def estimate_of(arguments, case, seed, *then):
    made = subprocess.run([arguments.fleets, *then, case, str(seed)], stdout=subprocess.PIPE, check=True)
    told = subprocess.run([arguments.halfopen, "advise", "--json", "-"], input=made.stdout,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lines = [json.loads(l) for l in told.stdout.splitlines()]
    return next(l for l in lines if l["scope"]["kind"] == "namespace")["idle_timeout"]


def timers_of(arguments, case, seed):
    told = subprocess.run([arguments.fleets, "--truth", case, str(seed)], stdout=subprocess.PIPE,
                          check=True, text=True)
    return sorted(map(float, told.stdout.split()))


def is_near(a, b):
    return abs(a / b - 1) < 0.15


def judge(arguments, case, seed):
    """(verdict, all its steps found, reason or estimate / timer)"""
    e, timers = estimate_of(arguments, case, seed), timers_of(arguments, case, seed)
    if arguments.then and e["estimate_s"] is None:
        days = (e["would_tell"] or {}).get("days")
        if not days or days > DAYS_MOST:
            return "silent", False, "not within a month"
        asks = (str(e["would_tell"][k]) for k in ("ask_from_s", "ask_to_s"))
        e = estimate_of(arguments, case, seed, "--then", str(days), *asks)
    if e["estimate_s"] is None:
        low, high = e["low_s"] or 0, e["high_s"] or math.inf
        wrong = timers and not low <= timers[0] * 1.002 <= high * 1.004
        return ("wrong bound" if wrong else "silent"), False, e["reason"]
    if not timers:
        return "false", False, round(e["estimate_s"])
    steps = len(e["steps"]) == len(timers) and all(map(is_near, (s["at_s"] for s in e["steps"]), timers))
    # the clock of a timeline is exact to a jiffy
    held = [e["low_s"] - 0.005 <= timer <= e["high_s"] + 0.005 for timer in timers]
    given_up = held[-1] and "lost_sooner" in e
    return ("holds" if held[0] else "gives up" if given_up else "misses"), steps, e["estimate_s"] / timers[0]


DAYS_MOST = 30
WRONG = ("false", "misses", "wrong bound")
# Where an interval holds with 95 %, more than three of ten fail to once in a thousand.
WRONG_OF_TEN = 3


def write_results(results, failed, cases):
    junit.write(results, "fleets", {
        case: f"{failed[case]} of ten were wrong" if case in failed else "" for case in cases})


def check(arguments, cases):
    failed = {}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for case in cases:
            told = list(pool.map(lambda seed: judge(arguments, case, seed), range(1, 11)))
            wrong = sum(t[0] in WRONG for t in told)
            if wrong > (WRONG_OF_TEN if timers_of(arguments, case, 1) else 1):
                failed[case] = wrong
    write_results(arguments.check, failed, cases)
    print(f"fleets: {len(cases)} cases, {len(failed)} told wrong: {failed or 'none'}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fleets")
    parser.add_argument("halfopen")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--then", action="store_true")
    parser.add_argument("--check", metavar="RESULTS")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_intermixed_args()
    cases = arguments.cases or subprocess.run([arguments.fleets, "--list"], stdout=subprocess.PIPE,
                                              check=True, text=True).stdout.split()
    if arguments.check:
        return check(arguments, [case for case in cases if not case.endswith("-5000")])
    verdicts = ("false", "holds", "gives up", "misses", "silent", "wrong bound")
    print(f"| case | draws | {' | '.join(verdicts)} | all steps | reasons |")
    print("|---" * (len(verdicts) + 4) + "|")
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for case in cases:
            draws = max(10, arguments.draws // 10) if case.endswith("-5000") else arguments.draws
            seeds = range(arguments.seed, arguments.seed + draws)
            told = list(pool.map(lambda seed: judge(arguments, case, seed), seeds))
            shares = (f"{sum(t[0] == v for t in told) / draws:.1%}" for v in verdicts)
            reasons = sorted({t[2] for t in told if isinstance(t[2], str)})
            print(f"| {case} | {draws} | {' | '.join(shares)} | {sum(t[1] for t in told) / draws:.0%} | "
                  f"{', '.join(reasons)} |")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
