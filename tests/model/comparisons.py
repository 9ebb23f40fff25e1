#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How often `halfopen advise --compare` says that something changed: a table, a row a pair of watches.

  comparisons.py FORECASTS HALFOPEN [--draws N] [--seed FIRST] [--check RESULTS] [PAIR ...]

FORECASTS simulates fleets (forecasts.c). Of each pair both sides are independent draws. `changed`: some figure
is said to have; `sooner`, `later`, `fewer`, `more`: detection_p50 and half_open; `not comparable`, `too few`:
of detection_p50; `wrong order`: so it is noticed. --check fails where a pair goes wrong more often than chance
allows, and writes RESULTS/comparisons.xml."""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import junit    # noqa: E402

# name: (case, options before, options after, what is to be said)
DAY = ("--hours", "24")
PAIRS = {
    "steady": ("steady", DAY, ("--from", "24"), "nothing"),
    "outages": ("outages", DAY, ("--from", "24"), "nothing"),
    "flapping": ("flapping", DAY, ("--from", "24"), "nothing"),
    "talkers": ("talkers", DAY, ("--from", "24"), "nothing"),
    "one network": ("one-network", DAY, ("--from", "24"), "nothing"),
    "twelve sockets": ("few", DAY, ("--from", "24"), "nothing"),
    "six hours": ("steady", ("--from", "9", "--hours", "6"), ("--from", "33", "--hours", "6"), "nothing"),
    "a day and six hours": ("talkers", DAY, ("--from", "33", "--hours", "6"), "nothing"),
    "half a day and two": ("outages", ("--from", "9", "--hours", "12"), ("--from", "33", "--hours", "48"),
                           "nothing"),
    "night and day": ("rush", ("--from", "23", "--hours", "6"), ("--from", "34", "--hours", "6"),
                      "not comparable"),
    "75/9 to 20/3": ("steady", DAY, ("--from", "24", "--setting", "600/20/3"), "sooner"),
    "75/9 to 20/3, outages": ("outages", DAY, ("--from", "24", "--setting", "600/20/3"), "sooner"),
    "20/3 to 75/9": ("steady", ("--setting", "600/20/3"), ("--from", "24",), "later"),
    "7200 to 26 s": ("slow", DAY, ("--from", "24", "--setting", "10/4/4"), "sooner"),
    "7200 to 26 s, six hours": ("slow", ("--from", "9", "--hours", "6"),
                                ("--from", "33", "--hours", "6", "--setting", "10/4/4"), "sooner"),
    "after and before": ("steady", ("--from", "24"), DAY, "wrong order"),
}


def simulate(arguments, case, options, seed, name):
    with open(name, "w") as f:
        subprocess.run([arguments.forecasts, *options, case, str(seed)], stdout=f, check=True)
    return name


def judge(arguments, pair, seed):
    """What is said, as a set of words."""
    case, before, after, _ = PAIRS[pair]
    with tempfile.TemporaryDirectory() as folder:
        files = [simulate(arguments, case, before, 2 * seed, folder + "/before"),
                 simulate(arguments, case, after, 2 * seed + 1, folder + "/after")]
        told = subprocess.run([arguments.halfopen, "advise", "--json", "--compare", *files],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    line = json.loads(told.stdout.splitlines()[0])
    said = {c["what"]: c["verdict"] for c in line["changes"]}
    words = {"changed"} if {"lower", "higher"} & set(said.values()) else set()
    words |= {{"lower": "sooner", "higher": "later"}.get(said["detection_p50"], said["detection_p50"]),
              {"lower": "fewer", "higher": "more"}.get(said["half_open"], "-")}
    return words | ({"wrong order"} if line["wrong_order"] else set())


WORDS = ("changed", "sooner", "later", "fewer", "more", "not_comparable", "too_few", "wrong order")


def is_right(pair, words):
    expected = PAIRS[pair][3]
    return "changed" not in words if expected == "nothing" else expected.replace(" c", "_c") in words


# Of 20 draws, where 5 % are wrong, more than four are so once in four hundred; where 95 % see it, too.
CHECKED, WRONG_OF_CHECKED = 20, 4


def write_results(results, wrong):
    failed = {pair: n for pair, n in wrong.items() if n > WRONG_OF_CHECKED}
    junit.write(results, "comparisons", {
        pair: f"{n} of {CHECKED} were wrong" if pair in failed else "" for pair, n in wrong.items()})
    print(f"comparisons: {len(wrong)} pairs, {len(failed)} wrong: {failed or 'none'}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("forecasts")
    parser.add_argument("halfopen")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check", metavar="RESULTS")
    parser.add_argument("pairs", nargs="*")
    arguments = parser.parse_intermixed_args()
    draws = CHECKED if arguments.check else arguments.draws
    pairs, wrong = arguments.pairs or list(PAIRS), {}
    if not arguments.check:
        print(f"| pair | right | {' | '.join(WORDS)} |")
        print("|---" * (len(WORDS) + 2) + "|")
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for pair in pairs:
            told = list(pool.map(lambda seed: judge(arguments, pair, seed),
                                 range(arguments.seed, arguments.seed + draws)))
            wrong[pair] = sum(not is_right(pair, words) for words in told)
            if not arguments.check:
                shares = (f"{sum(word in words for words in told) / draws:.1%}" for word in WORDS)
                print(f"| {pair} | {1 - wrong[pair] / draws:.1%} | {' | '.join(shares)} |", flush=True)
    return write_results(arguments.check, wrong) if arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
