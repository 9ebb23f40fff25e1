# SPDX-License-Identifier: GPL-2.0
"""The short cases of the simulator that judges `advise` (tests/model/fleets.c), played with real sockets
through a real NAT: what advise says of a watch beside them agrees with what it says of the simulated ones,
and with the NAT's timer as the kernel tells it."""
import contextlib
import json
import math
import resource
import time

import pytest

from fleet import FLEETS, PORT, Fleet, cases, estimate, of_model, play
from lab import Lab

# A thousand connections whose devices speak at times that matter.
pytestmark = pytest.mark.quiet

# Polls every 2 s against a timer of 6 s leave no room: an ask that a busy machine sends late crosses it.
TOO_TIGHT = {"short-polls"}
CASES = [case for case in cases() if case.startswith("short-") and case not in TOO_TIGHT]
SEEDS = range(1, 13)
# The kernel's clocks, and the instants at which this host sent late, beside seconds.
CLOCK_S = 0.05


@pytest.fixture(scope="module")
def played():
    """All of them side by side: case -> (its fleet, what advise estimates)."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
    fleets = [Fleet(case, 1) for case in CASES]
    with contextlib.ExitStack() as stack:
        for fleet in fleets:
            stack.enter_context(fleet.lab)
        watch = stack.enter_context(Lab()).watch("--all", "--idle-gap", "1s", f"sport = :{PORT}")
        start = time.monotonic() + 0.5
        for fleet in fleets:
            fleet.begin(start)
        play(fleets)
        seen = {fleet.case: (fleet.middlebox.timers(), fleet.middlebox.mappings()) for fleet in fleets}
        watch.validate = False      # by others
        assert watch.stop() == 0
        with open(watch.output, "rb") as f:
            timelines = f.read()
        yield {fleet.case: (fleet, *seen[fleet.case],
                            estimate(timelines, lambda scope, name=fleet.lab.gateway.name:
                                     scope.get("netns") == name)) for fleet in fleets}


def test_there_are_enough():
    assert len(CASES) >= 10, f"{FLEETS}: make lab builds it"


def kind(found):
    return "estimate" if found["estimate_s"] else found["reason"]


@pytest.mark.parametrize("case", CASES)
def test_the_lab_agrees_with_the_model(played, case):
    fleet, timers, mappings, found = played[case]
    told = fleet.p["timer_s"]
    models = [of_model(case, seed) for seed in SEEDS]
    kinds = {kind(m) for m in models}
    print(f"{case}: timers {timers}, lab {found}, model {[m['estimate_s'] for m in models]} {kinds}")
    if told and not fleet.middlebox.sets:      # the witnesses of the timer
        assert timers == [told[-1] if fleet.p["changes_after"] else told[0]]
        assert all(left <= max(told) for left in mappings), mappings
    assert kind(found) in kinds, (found, kinds)        # and so no timer is told where there is none
    if not told:
        assert found["estimate_s"] is None
        return
    low, high = found["low_s"] or 0, found["high_s"] or math.inf
    if found["estimate_s"] is None:
        assert low <= min(told) + CLOCK_S and high >= min(told) - CLOCK_S, found
    else:
        held = [low - CLOCK_S <= t <= high + CLOCK_S for t in sorted(told)]
        assert held[0] or held[-1] and "lost_sooner" in found, (found, told)
