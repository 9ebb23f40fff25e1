# SPDX-License-Identifier: GPL-2.0
"""What advise takes for evidence: what was not told is neither 0 nor activity, what cannot have been is left
out, and many who were met by one event are one witness. Made-up timelines, so that the truth is known."""
import json
import re
import subprocess

import pytest

import schema
from days import Day, at
from lab import HALFOPEN


def advise(path, *goals):
    r = subprocess.run([HALFOPEN, "advise", "--json", *goals, path], capture_output=True, text=True)
    assert r.returncode in (0, 3), r.stderr
    lines = [json.loads(l) for l in r.stdout.splitlines()]
    for line in lines:
        assert not list(schema.validator("advice").iter_errors(line))
    return next(l for l in lines if l["scope"]["kind"] == "namespace"), r.stderr


def held_open_after(timeout, traffic):
    """100 devices, of whose half a day three idle gaps are told, and the one in which they were lost."""
    day = Day(sysctl=(7200, 10, 9))
    for n in range(100):
        day.socket(gaps=[(timeout - 0.5, 3)], lost=timeout, found_by="retransmit", latency=timeout + 930)
        if traffic is None:
            del day.lines[-1]["traffic"]
        else:
            day.lines[-1]["traffic"].update(traffic)
    return day


@pytest.mark.parametrize("traffic", [None, {"sent_segments": 0, "received_segments": 0, "received_bytes": 0,
                                            "acked_bytes": 0}], ids=["untold", "none"])
def test_time_of_which_nothing_is_told_is_no_activity(traffic, tmp_path):
    """Of most of the day nothing is told, or that nothing passed: a device is woken by each probe of its
    silences, not five times a day as if it were heard from all the time."""
    advice, _ = advise(held_open_after(60, traffic).write(tmp_path / "day.jsonl"), "--hold-open")
    floor, = advice["conflicts"]
    idle = advice["proposed"]["idle_s"]
    assert floor["wakeups_per_idle_day"] == pytest.approx(86400 / idle, rel=0.01)
    # Where nothing is told of the rest, it is like what is told: silences of a minute, one probe in each.
    expected = 1440 if traffic is None else 86400 / idle
    assert floor["wakeups_per_socket_day"] == pytest.approx(expected, rel=0.1)
    assert advice["predicted"]["proposed"]["wakeups_per_socket_day"] == floor["wakeups_per_socket_day"]


def test_a_foreign_timeline_may_count_no_segments(tmp_path):
    day = held_open_after(60, {})
    untold = held_open_after(60, None).write(tmp_path / "untold.jsonl")
    for line in day.lines[1:]:
        del line["traffic"]["sent_segments"]
    told = day.write(tmp_path / "day.jsonl")
    assert advise(told, "--hold-open")[0]["predicted"] == advise(untold, "--hold-open")[0]["predicted"]


def test_one_that_speaks_and_is_not_counted_is_not_silent(tmp_path):
    """No gap of ten seconds in half a day, and no probe, though one was due every two minutes: it is heard
    all the time, whether somebody counted that or not."""
    day = Day(sysctl=(120, 20, 5))
    for _ in range(60):
        day.socket()
        del day.lines[-1]["traffic"]
    predicted = advise(day.write(tmp_path / "day.jsonl"), "--evaluate", "60/10/3")[0]["predicted"]
    assert predicted["current"]["probes_per_s"] < 0.01 and predicted["proposed"]["probes_per_s"] < 0.01


@pytest.mark.parametrize("gap,lived", [(864000, 43200), (7200, 600)])
def test_no_gap_is_longer_than_its_connection(gap, lived, tmp_path):
    """Ten days of silence on a connection of half a day, two hours on one of ten minutes."""
    day = Day()
    for n in range(40):
        day.socket(gaps=[(300, 1)])
        day.lines[-1]["last_heard_at"] = at(n + 1 + lived)
    believed = advise(day.write(tmp_path / "day.jsonl"))[0]["idle_timeout"]["low_s"]
    assert believed == pytest.approx(300, rel=0.01)
    day.lines[7]["gaps"]["survived"].append({"from_s": gap, "to_s": gap + 1, "count": 1, "ended_by": "us"})
    advice, said = advise(day.write(tmp_path / "day.jsonl"))
    assert advice["idle_timeout"]["low_s"] == believed
    assert re.search(rf"left out, or cut, of 1 connection: .* cookie 1007\) {gap + 1} s .* lived for {lived} s", said)
    # One that was there before the watch began may have been silent for long.
    day.lines[7]["partial"] = True
    advice, said = advise(day.write(tmp_path / "day.jsonl"))
    assert advice["idle_timeout"]["low_s"] > believed and "cut" not in said


def test_no_more_gaps_than_there_was_time_for(tmp_path):
    day = Day()
    day.socket(gaps=[(600, 1000)])
    for _ in range(19):
        day.socket(gaps=[(600, 60)])
    advice, said = advise(day.write(tmp_path / "day.jsonl"))
    assert 71 <= advice["evidence"]["gaps_survived"] - 19 * 60 <= 72
    assert "of 1 connection" in said


def probed_until(day, n, began, died):
    """Nothing but answered probes, one a minute, then none: found dead by keepalive."""
    day.socket(gaps=[(61, int((died - began) // 61) - 1)], found_by="keepalive", latency=700, lost=61,
               probes=int((died - began) // 61) + 9)
    line = day.lines[-1]
    line["first_seen_at"] = at(began)
    line["last_heard_at"] = line["half_open"]["last_heard_at"] = at(died)
    line["half_open"]["first_unanswered_at"] = at(died + 61)
    line["half_open"]["declared_at"] = line["ended_at"] = at(died + 700)


@pytest.mark.parametrize("together", [True, False], ids=["one outage", "a timer"])
def test_an_outage_is_one_event(together, tmp_path):
    """40 devices, lost a quarter of an hour after they connected: all within one minute, as an outage would
    have it, or one after another."""
    day = Day(sysctl=(60, 10, 9))
    for n in range(40):
        began = 1000 + (n / 2 if together else 120 * n)
        probed_until(day, n, began, began + 900 if not together else 1930)
    reason = advise(day.write(tmp_path / "day.jsonl"))[0]["idle_timeout"]["reason"]
    assert reason == ("censored_by_keepalive" if together else "probes_do_not_hold")


def test_devices_behind_one_address(tmp_path):
    """60 connections of one address, no two of which were heard at once: many devices or one, nothing tells,
    and that is said, with what would tell."""
    day = Day()
    for n in range(60):
        day.socket(found_by="keepalive", latency=7875, lost=7205, probes=9)
        day.lines[-1]["socket"]["peer"]["address"] = "203.0.113.7"
        line = day.lines[-1]
        line["first_seen_at"] = line["last_heard_at"] = line["half_open"]["last_heard_at"]
    path = day.write(tmp_path / "day.jsonl")
    advice, _ = advise(path)
    assert advice["idle_timeout"]["devices"] == 1 and advice["idle_timeout"]["connections"] == 60
    assert "60 connections count as 1" in advice["why"] and "--identities" in advice["why"]
    for n, line in enumerate(day.lines[1:]):
        line["socket"]["device"] = f"meter-{n}"
    advice, _ = advise(day.write(tmp_path / "day.jsonl"))
    assert advice["idle_timeout"]["devices"] == 60 and "--identities" not in advice["why"]
