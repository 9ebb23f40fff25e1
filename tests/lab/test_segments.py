# SPDX-License-Identifier: GPL-2.0
"""What of a stranger's segments is life (segments.py): thousands in each state."""
import os
import random

import pytest

import segments
from lab import Lab

# Its pace would suffer from many others at the same time.
pytestmark = pytest.mark.quiet

SEGMENTS = int(os.environ.get("HALFOPEN_SEGMENTS", 10000))
SEED = int(os.environ.get("HALFOPEN_SEED", 1))
HASTY, PATIENT = 600, 300


@pytest.mark.parametrize("state", segments.STATES)
def test_life_is_what_the_kernel_accepts(state):
    rng = random.Random(f"{SEED} {state}")
    with Lab() as lab:
        recording = lab.path("segments.ho")
        watch = lab.watch("-w", recording, "--idle-gap", "1s", f"netns = {lab.gateway.inode}")
        crew = [(state, segments.HASTY_S)] * HASTY + [(state, segments.PATIENT_S)] * PATIENT
        judged = segments.bombard(lab, crew, SEGMENTS, rng)
        assert watch.stop() == 0 and not watch.counted_losses()
        wrong = segments.disagreements(judged, segments.heard_in(recording))
    seconds = (judged[-1].ended - judged[0].begun) / 1e9
    accepted = sum(j.accepted for j in judged)
    print(f"{state}: {len(judged)} segments in {seconds:.0f} s, {accepted} accepted, "
          f"{sum(j.must for j in judged)} must and {sum(not j.may for j in judged)} may not be "
          f"life, {sum(map(len, wrong.values()))} told wrong")
    # The borders were met.
    assert len(judged) / 10 < accepted < len(judged) * 9 / 10
    if wrong:
        pytest.fail(f"seed {SEED}, {len(judged)} segments:\n{segments.report(wrong)}",
                    pytrace=False)
