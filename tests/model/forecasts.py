#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What `halfopen advise` predicts, beside what then is: a table, a row a case and setting.

  forecasts.py FORECASTS HALFOPEN [--draws N] [--seed FIRST] [--check RESULTS] [CASE ...]

FORECASTS simulates a fleet (forecasts.c). What a watch of it would tell under the present setting goes to
`advise --evaluate OTHER`; its predictions for both settings are divided by what the same fleet does under
each, in a larger simulation of other seeds. The table has the median and the worst of the draws, and of live
peers given up (a socket and year) the truth, the median of what is told, and in how many draws the truth
lies within a factor of two of it. --check fails where a median of seven draws is off by more than 10 % (5 % of
idle devices), or where the worst of them is off by 25 %, or false deaths by more than a factor of two in two of
them; it writes RESULTS/forecasts.xml. What is sent to the dead alone, where hardly anything else is, depends on
how many die in a draw: there the median may be off by 15 %."""
import argparse
import concurrent.futures
import json
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import junit    # noqa: E402

FIGURES = ("p50_s", "p95_s", "probes_per_s", "bytes_per_socket_day", "wakeups_per_socket_day")
SHORT = ("p50", "p95", "probes", "bytes", "wake-ups")
# Of comparisons.py.
FIRST_COMPARED = "steady"
DRAWS = 7
# Of idle devices, of others, and of what depends on how many die in a draw.
SLACK_IDLE, SLACK, SLACK_OF_DEATHS = 1.05, 1.1, 1.15
# Less often than this, in a fleet's simulation, and the truth itself is chance.
FALSE_DEATHS_MIN = 20


def run(*command, **how):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, **how).stdout


def cases_of(arguments):
    cases = run(arguments.forecasts, "--list").split()
    return cases[:cases.index(FIRST_COMPARED)]


def truth_of(arguments, case, *options):
    return json.loads(run(arguments.forecasts, "--truth", *options, case, "77"))


def predictions_of(arguments, case, other, seed):
    """(of the present setting, of the other)"""
    told = run(arguments.forecasts, case, str(seed))
    process = subprocess.run([arguments.halfopen, "advise", "--json", "--evaluate", other, "-"], input=told,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = [json.loads(l) for l in process.stdout.splitlines()]
    predicted = next(l for l in lines if l["scope"]["kind"] == "namespace")["predicted"]
    return flat(predicted["current"]), flat(predicted["proposed"])


def flat(predicted):
    return predicted | {"p50_s": predicted["detection_s"]["p50"], "p95_s": predicted["detection_s"]["p95"]}


# So little of each, of a fleet of 200 sockets, is nothing.
NOTHING = {"p50_s": 0.5, "p95_s": 0.5, "probes_per_s": 200 / 86400, "bytes_per_socket_day": 100,
           "wakeups_per_socket_day": 1}


def ratio(key, predicted, truth):
    return (predicted[key] + NOTHING[key]) / (truth[key] + NOTHING[key])


class Row:
    def __init__(self, case, which, truth, predictions):
        self.case, self.which, self.truth = case, which, truth
        self.ratios = {key: [ratio(key, p, truth) for p in predictions] for key in FIGURES}
        self.false_deaths = [p["false_deaths_per_socket_year"] for p in predictions]

    def median(self, key):
        return statistics.median(self.ratios[key])

    def worst(self, key):
        return max(self.ratios[key], key=lambda r: max(r, 1 / r) if r else float("inf"))

    def false_deaths_held(self):
        """In which share of draws is the truth within a factor of two of what is told?"""
        truth = self.truth["false_deaths"]
        if self.truth["false_deaths_seen"] < FALSE_DEATHS_MIN:
            return 1.0
        return sum(f["low"] / 2 <= truth <= f["high"] * 2 for f in self.false_deaths) / len(self.false_deaths)

    def show(self):
        told = [statistics.median(f[key] for f in self.false_deaths) for key in ("low", "high")]
        return (f"| {self.case} | {self.which} | " +
                " | ".join(f"{self.median(key):.2f} ({self.worst(key):.2f})" for key in FIGURES) +
                f" | {self.truth['false_deaths']:.3g} | {told[0]:.3g} to {told[1]:.3g} "
                f"| {self.false_deaths_held():.0%} |")

    def is_near(self, key):
        if self.truth[key] < 5 * NOTHING[key]:
            return 1 / SLACK_OF_DEATHS <= self.median(key) <= SLACK_OF_DEATHS
        slack = SLACK_IDLE if self.case.startswith("idle") else SLACK
        return 1 / slack <= self.median(key) <= slack and 1 / 1.25 <= self.worst(key) <= 1.25

    def faults(self):
        found = [f"{self.which} {short}: {self.median(key):.2f} ({self.worst(key):.2f})"
                 for key, short in zip(FIGURES, SHORT)
                 if not self.is_near(key)]
        if self.false_deaths_held() < 0.8:
            found.append(f"{self.which} false deaths: {self.truth['false_deaths']:.3g} true, "
                         f"{self.false_deaths[0]['low']:.3g} to {self.false_deaths[0]['high']:.3g} told")
        return found


def rows_of(arguments, pool, case, draws):
    other = run(arguments.forecasts, "--other", case).strip()
    seeds = range(arguments.seed, arguments.seed + draws)
    predictions = list(pool.map(lambda seed: predictions_of(arguments, case, other, seed), seeds))
    now, then = pool.map(lambda options: truth_of(arguments, case, *options), ((), ("--setting", other)))
    yield Row(case, "as it is", now, [p[0] for p in predictions])
    yield Row(case, other, then, [p[1] for p in predictions])


def write_results(results, faults):
    junit.write(results, "forecasts", {case: "; ".join(found) for case, found in faults.items()})


def check(arguments, pool, cases):
    faults = {case: [f for row in rows_of(arguments, pool, case, DRAWS) for f in row.faults()] for case in cases}
    write_results(arguments.check, faults)
    wrong = {case: found for case, found in faults.items() if found}
    print(f"forecasts: {len(cases)} cases, {len(wrong)} predicted wrong: {wrong or 'none'}")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("forecasts")
    parser.add_argument("halfopen")
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check", metavar="RESULTS")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_intermixed_args()
    cases = arguments.cases or cases_of(arguments)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        if arguments.check:
            return check(arguments, pool, cases)
        print(f"| case | setting | {' | '.join(SHORT)} | false deaths | told | held |")
        print("|---" * (len(SHORT) + 5) + "|")
        for case in cases:
            for row in rows_of(arguments, pool, case, arguments.draws):
                print(row.show(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
