#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A reference model of a Linux socket's timers, written apart from halfopen's core: random lives
of connections (world.py) are played by the kernel's rules (kernel.py). What the kernel side would
tell becomes a recording, what a timeline has to say follows from the segments themselves by the
words of the contract (ledger.py); `halfopen watch -r` must agree, for every one.

    reference.py PROGRAM RESULTS [HISTORIES [SEED]]     writes RESULTS/model.xml (JUnit)

MODEL_SHOW=COOKIE prints that history: what was on the wire, told, and said.
"""
import datetime
import errno
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter

import recording
from kernel import CLOSE_WAIT
from ledger import SUSPECT_AFTER
from recording import MS, S
from world import Life

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import junit    # noqa: E402

REALTIME_S = 1_700_000_000


def instant(text):
    """RFC 3339 with nanoseconds, as nanoseconds of CLOCK_MONOTONIC."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    at = datetime.datetime.fromisoformat(whole + "+00:00").timestamp()
    return (int(at) - REALTIME_S) * S + int(fraction.ljust(9, "0"))


def wrong_counts(life, truth, counts):
    made = {"probes_sent": truth.probes_sent, "probes_answered": truth.probes_answered,
            "probes_failed": truth.probes_failed, "sends_failed": truth.sends_failed,
            "peer_probes": truth.peer_probes, "zero_window_probes": truth.window_probes,
            "retransmits": life.total_retrans, "events_lost": 0}
    said = {name: counts[name] for name in made}
    if not life.ended:      # no later event told the last of them
        made["retransmits"] = min(made["retransmits"], said["retransmits"])
        made["probes_answered"] -= truth.answers_unsure and \
            said["probes_answered"] < made["probes_answered"]
        if said["zero_window_probes"] + truth.unseen_window_probes() >= made["zero_window_probes"]:
            made["zero_window_probes"] = said["zero_window_probes"]
    if truth.unseen_in_mixed:
        fewest = made["probes_answered"] - truth.unseen_in_mixed
        if fewest <= said["probes_answered"] <= made["probes_answered"]:
            made["probes_answered"] = said["probes_answered"]
    differing = [name for name in made if made[name] != said[name]]
    return ", ".join(f"{n} {said[n]}, not {made[n]}" for n in differing)


def is_told_by(said, made):
    """An ask that the kernel side does not tell, by design, may make an episode none."""
    if not made:
        return not said
    kinds, (fewest, most), end = made[0]
    if said and said[0][0] in kinds and said[0][2] == end and fewest <= said[0][1] <= most and \
            is_told_by(said[1:], made[1:]):
        return True
    return fewest < (1 if end == "died" else 2) and is_told_by(said, made[1:])


def wrong_episodes(life, truth, timeline):
    said = [(e["kind"], e["asks"], e["end"]) for e in timeline["episodes"] if e["end"] != "open"]
    made = list(truth.episodes)
    if truth.episode_unsure and not life.ended and len(said) < len(made):
        made.pop()      # no later event told its end
    if truth.unseen_in_mixed:
        return ""
    return "" if is_told_by(said, made) else f"episodes {said}, not {made}"


def wrong_bounds(life, truth, said):
    usual = life.delay // 1000 * 1000 + life.delay // 4000 * 1000
    # The kernel's clocks are jiffies: what rests on them is known to two of them.
    tolerance = 2 * (S // life.hz) / MS + 1
    readings = [truth.bounds(max(usual, slowest), in_flight, told_only)
                for slowest, in_flight, told_only in itertools.product(
                    (truth.slowest_told, truth.slowest), (0, usual), (False, True))]
    for name, right in zip(("min", "likely_min", "max"), zip(*readings)):
        # Without timestamps, and with no pass that looks, who was last heard a wrap ago seems young.
        if name == "max" and not life.has_timestamps and right[0] > 2**32 * S // life.hz:
            continue
        known = [b / MS for b in right if b is not None]
        if said[name] is None and None in right:
            continue
        least = 0 if name != "max" and truth.unseen_window_probes() else min(known, default=0)
        if said[name] is None or not known or \
                not least - tolerance <= said[name] <= max(known) + tolerance:
            return f"{name} {said[name]} ms, not {known}"
    return ""


def wrong_instants(life, truth, t):
    tolerance = 2 * (S // life.hz) + MS
    heard = instant(t["last_heard_at"])
    if not life.has_timestamps and life.ended and life.now - truth.heard_at > 2**32 * S // life.hz:
        return ""
    if heard > truth.heard_at + tolerance:
        return f"last heard {(heard - truth.heard_at) / S} s too late"
    if life.ended and heard < truth.heard_at - tolerance:
        return f"last heard {(truth.heard_at - heard) / S} s too early"
    if "last_acknowledged_at" in t:
        at = instant(t["last_acknowledged_at"])
        if truth.acknowledged_at is None or at > truth.acknowledged_at + tolerance:
            return f"last acknowledged at {at / S}, not {(truth.acknowledged_at or 0) / S}"
    half_closed = t.get("half_closed_at")
    if (half_closed is None) != (truth.half_closed_at is None) or \
            (half_closed and abs(instant(half_closed) - truth.half_closed_at) > MS):
        return f"half closed {half_closed}, not {truth.half_closed_at}"
    return ""


def wrong_outcome(life, truth, t):
    if not life.ended:
        told = max(0, sum(a.told for a in truth.asks) - 1)
        right = {"suspect" if n >= SUSPECT_AFTER else "open"
                 for n in (told, truth.unanswered())}
        if truth.answers_unsure:    # no later event told that the last were answered
            return "" if t["outcome"] in ("open", "suspect") else t["outcome"]
        return "" if t["outcome"] in right else f"{t['outcome']}, not {right}"
    half = t.get("half_open", {})
    if truth.was_killed_unasked and half:   # it may as well be taken for gone, since nobody knows
        return "" if t["outcome"] == truth.outcome and half["latency_ms"]["min"] is None else \
            f"{t['outcome']}, {half}"
    if (t["outcome"], half.get("found_by")) != (truth.outcome, truth.found_by):
        return f"{t['outcome']} by {half.get('found_by')}, not {truth.outcome} by {truth.found_by}"
    detail = truth.detail
    if truth.found_by == "unreachable":
        detail = errno.errorcode[life.error_soft]
    if truth.was_killed_unasked:
        detail = None
    if detail and t.get("outcome_detail") != detail:
        return f"detail {t.get('outcome_detail')}, not {detail}"
    if not truth.found_by:
        return ""
    declared = instant(half["declared_at"])
    if abs(declared - truth.declared) > 2 * (S // life.hz) + MS:
        return f"declared at {(declared - life.start) / S}, not {(truth.declared - life.start) / S}"
    return wrong_bounds(life, truth, half["latency_ms"])


def disagreement(life, t):
    """What the timeline says otherwise, "" if it agrees."""
    if t is None:
        return "no timeline"
    truth = life.truth
    return wrong_outcome(life, truth, t) or wrong_counts(life, truth, t["counts"]) or \
        wrong_episodes(life, truth, t) or wrong_instants(life, truth, t)


def replay(program, lives, hz, version, late=None):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "model.ho")
        recording.write(path, lives, hz, version, late)
        out = subprocess.run([program, "watch", "--json", "--all", "-r", path], check=True,
                             capture_output=True, text=True).stdout
    lines = (json.loads(line) for line in out.splitlines())
    return {int(t["socket"]["cookie"]): t for t in lines if t["schema"] == "halfopen.timeline/1"}


def compare(name, lives, timelines):
    wrong = []
    for life in lives:
        why = disagreement(life, timelines.get(life.cookie))
        if why:
            wrong.append(f"{name}: history {life.cookie} ({life.theme}): {why}")
    print(f"model: {name}: {len(lives)} histories, {len(wrong)} disagree")
    return wrong


def show(life, t):
    print(f"history {life.cookie}, {life.theme}, start {life.start / S}, HZ {life.hz}, delay "
          f"{life.delay / S}, sack {life.has_sack}, cuts "
          f"{[((b - life.start) / S, (e - life.start) / S, w) for b, e, w in life.cuts]}")
    rows = [(at, "  told: " + recording.text_of(event)) for at, event in life.records]
    for at, text in sorted(life.truth.wire + rows, key=lambda row: row[0]):
        print(f"  {(at - life.start) / S:.6f} {text}")
    print({k: v for k, v in vars(life.truth).items() if k not in ("wire", "asks")})
    print(json.dumps({k: v for k, v in t.items() if k not in ("socket", "keepalive", "events")}))


def main(program, results, histories="10000", seed="1"):
    rng = random.Random(int(seed))
    hz = rng.choice([100, 250, 300, 1000])
    lives = [Life(cookie, random.Random(rng.random()), rng.randint(1000, 9999) * MS * 10,
                  hz).live() for cookie in range(1, int(histories) + 1)]
    outcomes = Counter(life.truth.outcome or "open" for life in lives)
    print(f"model: seed {seed}, HZ {hz}, {dict(outcomes)}")
    timelines = replay(program, lives, hz, 5)
    wrong = compare("format 5", lives, timelines)
    if int(seed) % 3 == 1:
        wrong += compare("format 3", lives, replay(program, lives, hz, 3))
        old = [life for life in lives if not life.needs_format_3]
        wrong += compare("format 1", old, replay(program, old, hz, 1))
    # The source puts records in order; what may still be late (its CPU was taken away between the
    # clock and the ring) costs itself, and no more.
    late = compare("out of order", lives, replay(program, lives, hz, 5, rng))
    if len(late) > len(lives) // 200:
        wrong += late
    for why in wrong[:int(os.environ.get("MODEL_LINES", "10"))]:
        print("  " + why)
    if os.environ.get("MODEL_SHOW"):
        cookie = int(os.environ["MODEL_SHOW"])
        show(lives[cookie - 1], timelines.get(cookie))
    junit.write(results, "model", {f"{len(lives)} random histories": wrong[0] if wrong else ""})
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
