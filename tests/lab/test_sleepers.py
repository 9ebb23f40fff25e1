# SPDX-License-Identifier: GPL-2.0
"""Devices that sleep: what they answer comes seconds late, out of order and twice. None of them
is ever called dead; how long they may take is learned from what they took."""
import random
import time

import pytest

from lab import Lab, cookie, keepalive, unix_ns, wait_until


class Sleeper:
    """The device's side of a path: awake, each frame passes at once; asleep, it waits."""

    def __init__(self, seed=1):
        self.rng, self.asleep, self.slowest = random.Random(seed), False, 0

    def __call__(self, frame):
        if not self.asleep:
            return [0]
        delays = [self.rng.uniform(0.5, self.slowest)]
        if self.rng.random() < 0.2:
            delays.append(self.rng.uniform(0.5, self.slowest))      # a duplicate
        return delays


@pytest.fixture
def sleeper():
    return Sleeper()


@pytest.fixture
def lab(sleeper):
    with Lab(sleeper) as lab:
        yield lab


@pytest.mark.parametrize("slowest, interval, probes, seconds", [(4, 1, 9, 25), (20, 3, 12, 45)],
                         ids=["up to 4 s", "up to 20 s"])
def test_late_answers_are_answers(lab, sleeper, slowest, interval, probes, seconds):
    watch = lab.watch("--events", "--all", "--suspect-after", "3")
    sockets = [lab.connect() for _ in range(8)]
    keys = [cookie(gateway) for gateway, _ in sockets]
    for gateway, _ in sockets:
        keepalive(gateway, 2, interval, probes)
    sleeper.slowest, sleeper.asleep = slowest, True
    time.sleep(seconds)
    sleeper.asleep = False
    assert not [t for key in keys for t in watch.of(key) if t["final"]], "a false death"
    time.sleep(min(slowest, 4) + 2)
    for gateway, device in sockets:
        gateway.close()
        device.close()
    for key in keys:
        t = watch.ending(key, 40)
        assert t["outcome"] == "closed_locally" and "half_open" not in t, t
        assert all(e["end"] == "recovered" for e in t["episodes"]), t
        assert t["counts"]["probes_answered"] > 0
        # it was silent for a while, and then each time it was there
        answers = watch.events(key, "answered")
        assert answers
    assert not watch.counted_losses()


def test_slack_follows_the_slowest_answer(lab, sleeper):
    """A device that once took seconds may take them again: the lower bounds of its death leave
    room for that, and no more."""
    watch = lab.watch("--events")
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 9)
    wait_until(lambda: watch.events(key, "answered"), 10, "a quick answer")
    sleeper.slowest, sleeper.asleep = 2.5, True
    sleeper.rng.uniform = lambda low, high: high
    wait_until(lambda: [e for e in watch.events(key, "answered") if e["n"] >= 2], 20,
               "an answer to a probe that was not the last")
    late = max(unix_ns(e["at"]) for e in watch.events(key, "answered") if e["n"] >= 2)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    lab.gateway.drop("input", "tcp dport 7000")
    t = watch.ending(key, 30)
    bounds, h = t["half_open"]["latency_ms"], t["half_open"]
    declared, first = unix_ns(h["declared_at"]), unix_ns(h["first_unanswered_at"])
    slack = (declared - first) / 1e6 - bounds["likely_min"]
    # It took 2.5 s; probes went out each second meanwhile, and the oldest counts.
    assert 2400 <= slack <= 3700, (slack, t)
    assert t["outcome"] == "keepalive_timeout" and late
    truth = declared - (time.time_ns() - time.clock_gettime_ns(time.CLOCK_MONOTONIC)) - before
    assert bounds["min"] <= truth / 1e6


def test_suspects_do_not_flap(lab, sleeper):
    """Between two answers a sleeper is suspect once, not on and off."""
    watch = lab.watch("--every", "1s", "--all")
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 2, 1, 12)
    sleeper.slowest, sleeper.asleep = 6, True
    sleeper.rng.uniform = lambda low, high: high
    time.sleep(22)
    outcomes = [t["outcome"] for t in watch.of(key)]
    changes = sum(a != b for a, b in zip(outcomes, outcomes[1:]))
    answers = watch.of(key)[-1]["counts"]["probes_answered"]
    assert "suspect" in outcomes and set(outcomes) <= {"open", "suspect"}
    # In and out of suspicion once an answer, at most.
    assert changes <= 2 * answers + 1, (changes, answers, outcomes)
