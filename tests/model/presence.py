#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How likely `halfopen reach` and `sockets --history` take a peer to be there, beside what is true, in
simulated fleets: a table, a row a case.

  presence.py FLEETS PRESENCE [--draws N] [--seed FIRST] [--check RESULTS] [CASE ...]

FLEETS makes the timelines of a watch (fleets.c), and tells which of the connections that are open at its end
still have a peer; PRESENCE says how likely each has. Judged by Brier's score (the mean square of chance -
truth; less is better), beside two rules: the same chance for all, the share of those that are there, which
nobody knows beforehand; and "there if heard within the last ten minutes". `covered`: of how many fleets the
interval of the number of dead, as `sockets --summary --history` prints it, has the true one. `strangers`: the
history does not have the connections themselves, only others of their group. `surely dead`: silent for longer
than the timer that the history shows (and of them, alive). --check fails where the score is worse than either
rule's, all cases together or by chance impossible in one, where the surely dead live, or where less than 90 %
of all intervals hold, and writes RESULTS/presence.xml."""
import argparse
import concurrent.futures
import math
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import junit    # noqa: E402

ONLINE_S = 600
CASES = ("none-exp300", "none-periodic", "none-by-day", "none-bursts", "none-backs-off", "none-heavy",
         "none-talkers-asked", "none-mixed-options", "none-nat-boots", "none-outages-talkers", "none-power-cut",
         "timer-talkers-asked", "timer-telemetry-commands", "timer-inbound", "timer-by-day", "timer-bursts",
         "timer-backs-off", "timer-nat-boots", "timer-server-restarts", "changes", "six-percent",
         "heartbeats", "keepalive-only", "probed-at-600", "roam", "roam-named", "crash-loop-timer")


def looks_of(arguments, case, seed, strangers=False):
    """[(chance or None, there, silent_s, surely dead, low, high)] of one fleet."""
    told = subprocess.run([arguments.fleets, "--present", case, str(seed)], stdout=subprocess.PIPE, check=True)
    with tempfile.NamedTemporaryFile(prefix="halfopen-presence-") as history:
        subprocess.run([arguments.fleets, case, str(seed)], stdout=history, check=True)
        said = subprocess.run([arguments.presence, history.name, *(["--strangers"] if strangers else [])],
                              input=told.stdout, stdout=subprocess.PIPE, check=True)
    lines = [line.split() for line in said.stdout.decode().splitlines()]
    return [(None if l[5] == "-" else float(l[5]), int(l[4]), float(l[3]), l[6] == "1",
             *((None, None) if l[5] == "-" else map(float, l[7:9]))) for l in lines]


def interval_of(looks):
    """(low, high, true number of dead), as look_summary.c adds them up and a table prints them; None: of
    none of them anything is known. The surely dead are dead."""
    known = [look for look in looks if look[0] is not None or look[3]]
    low = [1 if surely else 1 - high for *_, surely, _, high in known]
    high = [1 if surely else 1 - low for *_, surely, low, _ in known]
    if not known:
        return None
    dead = sum(not there for _, there, *_ in known)
    return (math.floor(max(0, sum(low) - 1.96 * math.sqrt(sum(p * (1 - p) for p in low)))),
            math.ceil(min(len(known), sum(high) + 1.96 * math.sqrt(sum(p * (1 - p) for p in high)))), dead)


class Coverage:
    """Of intervals: how many there are, how many hold, their mean width."""
    def __init__(self, intervals):
        told = [i for i in intervals if i]
        self.of, self.held = len(told), sum(low <= dead <= high for low, high, dead in told)
        self.width = sum(high - low for low, high, _ in told) / max(1, self.of)

    def __str__(self):
        return f"{self.held} of {self.of} (width {self.width:.0f})" if self.of else "-"


def brier(pairs):
    return sum((p - there) ** 2 for p, there in pairs) / len(pairs)


class Score:
    def __init__(self, looks):
        self.looks = looks
        known = [look[:3] for look in looks if look[0] is not None]
        self.known = len(known)
        self.surely = sum(look[3] for look in looks)
        self.wrongly = sum(look[3] and look[1] for look in looks)
        if known:
            self.share = sum(there for _, there, _ in known) / len(known)
            self.ours = brier([(p, there) for p, there, _ in known])
            self.base = self.share * (1 - self.share)
            self.online = brier([(silent < ONLINE_S, there) for _, there, silent in known])


def all_looks(arguments, case, strangers):
    """A list for each fleet."""
    return [looks_of(arguments, case, seed, strangers)
            for seed in range(arguments.seed, arguments.seed + arguments.draws)]


def flat(fleets):
    return [look for looks in fleets for look in looks]


# Of all cases together.
COVERED_LEAST = 0.9


def row(name, fleets, strangers):
    looks = flat(fleets)
    s, of_strangers = Score(looks), Score(flat(strangers))
    covered, covered_strangers = (Coverage(map(interval_of, f)) for f in (fleets, strangers))
    if not s.known:
        return f"| {name} | {len(looks)} | - | - | - | - | - | - | - | - | - |"
    other = f"{of_strangers.ours:.4f}" if of_strangers.known else "-"
    return (f"| {name} | {len(looks)} | {s.known / len(looks):.0%} | {1 - s.share:.1%} | {s.ours:.4f} | {other} | "
            f"{s.base:.4f} | {s.online:.4f} | {s.surely} ({s.wrongly}) | {covered} | {covered_strangers} |")


def calibration(looks):
    """Of tenths of the chances: how many, the mean chance, the share that is there."""
    known = [look[:2] for look in looks if look[0] is not None]
    for tenth in range(10):
        of = [(p, there) for p, there in known if min(9, int(p * 10)) == tenth]
        if of:
            print(f"| {tenth / 10:.1f} to {(tenth + 1) / 10:.1f} | {len(of)} | {sum(p for p, _ in of) / len(of):.3f} | "
                  f"{sum(there for _, there in of) / len(of):.3f} |")


def check(arguments, played):
    failed = {}
    for case, fleets, strangers in played:
        for who, s in (("", Score(flat(fleets))), ("strangers: ", Score(flat(strangers)))):
            if s.known and s.ours > min(s.base, s.online) + 0.04:
                failed[case] = f"{who}{s.ours:.4f}, beside {s.base:.4f} and {s.online:.4f}"
    every = Score([look for _, fleets, _ in played for look in flat(fleets)])
    covered = Coverage([interval_of(f) for _, fleets, _ in played for f in fleets])
    if covered.held < COVERED_LEAST * covered.of:
        failed["intervals"] = f"{covered} hold"
    if every.wrongly > 0.01 * every.surely:
        failed["surely dead"] = f"{every.wrongly} of {every.surely} live"
    if every.ours > 0.5 * min(every.base, every.online):
        failed["all"] = f"{every.ours:.4f}, beside {every.base:.4f} and {every.online:.4f}"
    junit.write(arguments.check, "presence", {case: failed.get(case, "") for case, _, _ in played} |
                {name: failed.get(name, "") for name in ("all", "surely dead", "intervals")})
    print(f"presence: {len(played)} cases, {len(every.looks)} peers, Brier's score {every.ours:.4f} beside "
          f"{every.base:.4f} and {every.online:.4f}; intervals that hold: {covered}; wrong: {failed or 'none'}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fleets")
    parser.add_argument("presence")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check", metavar="RESULTS")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_intermixed_args()
    cases = arguments.cases or list(CASES)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        played = list(pool.map(lambda case: (case, all_looks(arguments, case, False),
                                             all_looks(arguments, case, True)), cases))
    if arguments.check:
        return check(arguments, played)
    print("| fleet | peers | known | dead | Brier | strangers | base rate | last 10 min | surely dead | covered | "
          "covered, strangers |\n|---" + "|---" * 10 + "|")
    for case, fleets, strangers in played:
        print(row(case, fleets, strangers))
    every = [looks for _, fleets, _ in played for looks in fleets]
    print(row("all", every, [looks for _, _, fleets in played for looks in fleets]))
    print("\n| said | peers | mean | there |\n|---|---|---|---|")
    calibration(flat(every))
    return 0


if __name__ == "__main__":
    sys.exit(main())
