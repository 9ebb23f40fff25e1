# SPDX-License-Identifier: GPL-2.0
"""What advise proposes, on small made-up days whose right answer is known; each proposal is played on a
path of which we know after how long it forgets, with probes that get lost."""
import json
import random
import subprocess

import pytest

import schema
from days import Day, at
from lab import HALFOPEN


def run(*arguments):
    return subprocess.run([HALFOPEN, "advise", *arguments], capture_output=True, text=True)


def advise(day, tmp_path, *goals, kind="namespace"):
    path = day.write(tmp_path / "day.jsonl")
    r = run("--json", *goals, path)
    assert r.returncode in (0, 3), r.stderr
    lines = [json.loads(l) for l in r.stdout.splitlines()]
    for line in lines:
        errors = list(schema.validator("advice").iter_errors(line))
        assert not errors, errors
    return next(l for l in lines if l["scope"]["kind"] == kind), run(*goals, path).stdout


def forgetful(timeout, sysctl=(7200, 75, 9), rtt=0.2):
    """100 devices, each idle for hardly less than the path's timeout, then for somewhat more."""
    day = Day(sysctl=sysctl)
    for n in range(100):
        day.socket(gaps=[(timeout - 0.3 - 0.003 * timeout * n / 2, 3)], lost=timeout * 1.006 ** n,
                   found_by="retransmit", latency=timeout + 930)
        day.lines[-1]["rtt_us"] = {"min": 40000, "avg": 60000, "max": rtt * 1e6}
    return day


def losses_a_device_day(setting, timeout, loss, rng, days=400):
    """How often a mapping is gone before a probe gets through: an event for each probe of a device that
    says nothing of itself, by the kernel's rule (idle, then intervals), timers late by up to an eighth."""
    late = lambda s: s * (1 + rng.random() / 8)
    gone = 0
    for _ in range(days):
        now = 0
        while now < 86400:
            silence = late(setting["idle_s"])
            for _ in range(setting["probes"]):
                if silence >= timeout:
                    break
                if rng.random() >= loss:
                    break
                silence += late(setting["interval_s"])
            gone += silence >= timeout
            now += silence
    return gone / days


@pytest.mark.parametrize("timeout", [30, 80, 240, 300, 350, 900])
def test_a_mapping_is_held_though_probes_get_lost(timeout, tmp_path):
    advice, _ = advise(forgetful(timeout), tmp_path)
    assert advice["verdict"] == "change", advice["why"]
    proposed = advice["proposed"]
    gone = losses_a_device_day(proposed, timeout, 0.01, random.Random(timeout))
    print(f"{timeout} s: {proposed}, gone {gone} times a device-day")
    assert gone < 0.05
    # Today's interval is nobody's need: live peers answered within 0.2 s.
    assert proposed["interval_s"] * proposed["probes"] >= 3
    # The simulation can fail: the whole timeout's 0.8, and today's interval behind it.
    assert losses_a_device_day({"idle_s": timeout * 0.79, "interval_s": 75, "probes": 9}, timeout, 0.01,
                               random.Random(timeout)) > 0.5 or timeout > 350


def test_more_loss_needs_more_room(tmp_path):
    """Measured: 3,000 of 20,000 probes."""
    day = forgetful(900)
    for line in day.lines[1:]:
        line["counts"]["probes_sent"] = 200
        line["episodes"] = [{"kind": "keepalive", "first_unanswered_at": at(1000 * k), "asks": 3,
                             "end": "recovered", "ended_at": at(1000 * k + 150.1)} for k in range(1, 16)]
    advice, _ = advise(day, tmp_path)
    assert abs(advice["evidence"]["probe_loss"] - 0.15) < 0.01
    assert losses_a_device_day(advice["proposed"], 900, 0.15, random.Random(1)) < 0.05
    assert advice["proposed"]["idle_s"] < 500


def test_the_carriers_floor_is_named_and_priced(tmp_path):
    advice, text = advise(forgetful(60, (7200, 10, 9)), tmp_path, "--hold-open")
    floor, = advice["conflicts"]
    assert floor["with"] == "carriers_floor" and floor["period_s"] == 300
    assert floor["wakeups_per_socket_day"] == pytest.approx(86400 / advice["proposed"]["idle_s"], rel=0.07)
    assert "conflict with the carriers' floor" in text and "wake-ups" in text
    advice, text = advise(forgetful(900), tmp_path, "--hold-open")
    assert advice["conflicts"] == [] and "carriers" not in text


def probed(sysctl, sockets=50, **options):
    """Everybody lives, and is asked as the sysctls say."""
    day = Day(sysctl=sysctl)
    for _ in range(sockets):
        day.socket(gaps=[(sysctl[0] + 1, 1300)], probes=1400, **options)
        day.lines[-1]["rtt_us"] = {"min": 40000, "avg": 60000, "max": 300000}
    return day


def test_what_meets_the_goals_is_kept(tmp_path):
    advice, text = advise(probed((60, 10, 3)), tmp_path, "--detect-within", "5m")
    assert advice["verdict"] == "keep"
    assert [advice["proposed"][k] for k in ("idle_s", "interval_s", "probes")] == [60, 10, 3]
    assert advice["cheaper"]["saves_bytes_per_socket_day"] > 10000 and advice["may_forget"]
    assert "would meet them, too, and save" in text and "nothing shows that the path" in text
    assert run("--detect-within", "5m", str(tmp_path / "day.jsonl")).returncode == 0
    # By a minute too slow: no longer.
    assert advise(probed((330, 10, 3)), tmp_path, "--detect-within", "5m")[0]["verdict"] == "change"


def test_a_policy_leaves_alone_what_meets_the_goals(tmp_path):
    """nginx probes every 20 s by itself, behind a NAT that may forget after 30."""
    day = Day()
    for _ in range(40):
        day.socket(program="nginx", own=(20, 5, 3), gaps=[(20.5, 2000)], probes=2000)
    path = day.write(tmp_path / "day.jsonl")
    r = run("--policy", "--detect-within", "2m", path)
    assert r.returncode == 0 and not r.stdout and "meets the goals already" in r.stderr, r
    # Some that do not: they get a line, but no longer time than their neighbours'.
    for _ in range(40):
        day.socket(program="nginx", gaps=[(20, 5)])
    r = run("--policy", "--detect-within", "2m", day.write(tmp_path / "day.jsonl"))
    assert r.returncode == 3 and "-> idle=20 " in r.stdout, r


def test_a_policy_that_says_nothing_says_why(tmp_path):
    r = run("--policy", Day().devices(8).write(tmp_path / "day.jsonl"))
    assert not r.stdout and "not enough data" in r.stderr and "no policy for 1 group" in r.stderr


def episode(first, length, asks):
    return {"kind": "keepalive", "first_unanswered_at": at(first), "asks": asks, "end": "recovered",
            "ended_at": at(first + length)}


def test_one_lost_probe_is_no_long_silence(tmp_path):
    """75.1 s from a lost probe to the answer of the next: the peer need not have been silent at all."""
    day = probed((7200, 75, 9), 40)
    for line in day.lines[1:6]:
        line["episodes"] = [episode(7200, 75.1, 2)]
    advice, text = advise(day, tmp_path, "--detect-within", "2m")
    assert advice["verdict"] == "change", advice["why"]
    assert advice["evidence"]["latest_answer_s"] < 1, text


def test_two_lost_probes_bound_the_silence(tmp_path):
    """Known to be silent from the first to the second: 75 s, not 150."""
    day = probed((7200, 75, 9), 40)
    for line in day.lines[1:20]:
        line["episodes"] = [episode(7200, 150.2, 3)]
    advice, _ = advise(day, tmp_path, "--detect-within", "10m")
    assert 70 < advice["evidence"]["latest_answer_s"] < 80
    assert advice["proposed"]["interval_s"] * advice["proposed"]["probes"] > 80


@pytest.mark.parametrize("with_events", [True, False])
def test_a_clock_step_within_a_silence(with_events, tmp_path):
    """An hour forward: the monotonic clock of its events knows; without them the kernel's timer does,
    which leaves no more than two intervals between two probes and the answer."""
    day = probed((600, 1, 9), 40)
    for line in day.lines[1:]:
        line["episodes"] = [episode(7200, 3601.2, 2)]
        if with_events:
            line["events"] = [
                {"event": "probe_sent", "n": 1, "at": at(7200), "mono_ns": "1000000000"},
                {"event": "answered", "rtt_us": 1, "at": at(7200 + 3601.2), "mono_ns": "2200000000"}]
    advice, _ = advise(day, tmp_path, "--detect-within", "2m")
    assert advice["verdict"] == "change" and advice["evidence"]["latest_answer_s"] < 1.3


def test_one_exception_sets_nobodys_floor(tmp_path):
    day = probed((7200, 75, 9), 500)
    day.lines[7]["episodes"] = [episode(7200, 600, 8)]
    advice, text = advise(day, tmp_path, "--detect-within", "5m")
    assert advice["verdict"] == "change" and advice["evidence"]["latest_answer_s"] < 1
    assert advice["evidence"]["exceptions"]["sockets"] == 1
    assert "but for 1 socket (450 s at most), which would be given up" in text
    # A tenth of them is no exception.
    for line in day.lines[1:51]:
        line["episodes"] = [episode(7200, 600, 8)]
    advice, text = advise(day, tmp_path, "--detect-within", "5m")
    assert advice["verdict"] == "conflict" and "live peers were silent for 450.0 to 600.0 s" in text


def test_how_programs_switch_it_on(tmp_path):
    day = probed((60, 10, 3))
    for program in ("nginx", "nginx", "myd"):
        day.socket(program=program, enabled=False)
    _, text = advise(day, tmp_path, "--detect-within", "5m")
    assert "nginx by 'listen PORT so_keepalive=on;'" in text and "setsockopt(SO_KEEPALIVE)" in text


def test_who_is_not_asked_is_not_immortal(tmp_path):
    """100 devices with heartbeats and keepalive, of which 20 died; 100 sockets that nobody asks."""
    day = Day()
    for n in range(100):
        day.socket(heartbeats=50, found_by="keepalive" if n < 20 else None, latency=7900)
        day.lines[-1]["heartbeat"] = {"period_s": 300, "bytes": 1, "replied": True}
    for _ in range(100):
        day.socket(enabled=False)
    advice, text = advise(day, tmp_path, "--detect-within", "5m")
    quiet = advice["evidence"]["quiet_deaths"]
    assert quiet["with_heartbeats"]["deaths"] == 20 and quiet["with_neither"]["deaths"] == 0
    # Only what went before the heartbeats were a habit; nothing of the hundred.
    assert quiet["with_neither"]["socket_days"] == pytest.approx(100 * 3 * 300 / 86400, rel=0.01)
    assert quiet["with_neither"]["per_socket_day"] is None
    assert "unknown of the 100 that nobody asks" in text and "with neither" not in text


def group_texts(day, tmp_path):
    r = run("--json", "--detect-within", "5m", day.write(tmp_path / "day.jsonl"))
    return [json.loads(l)["scope"]["text"] for l in r.stdout.splitlines()
            if json.loads(l)["scope"]["kind"] == "group"]


@pytest.mark.parametrize("first", [32768, 10000], ids=["usual-range", "own-range"])
def test_our_own_connections_are_grouped_by_service(first, tmp_path):
    """300 of them to a database, 300 to a web service, from whatever range of ports."""
    day = Day()
    for n in range(600):
        day.socket(probes=3)
        socket = day.lines[-1]["socket"]
        socket["local"]["port"] = first + 7 * n
        socket["peer"]["port"] = 5432 if n % 2 else 443
    assert sorted(group_texts(day, tmp_path)) == [f"203.0.113.0/24, our connections to port {p}"
                                                  for p in (443, 5432)]


def test_a_listener_in_the_ephemeral_range_is_one(tmp_path):
    day = Day()
    for n in range(60):
        day.socket(probes=3)
        day.lines[-1]["socket"]["local"]["port"] = 50000
    assert group_texts(day, tmp_path) == ["203.0.113.0/24 on port 50000"]


def test_what_is_alike_is_said_once(tmp_path):
    """21 carriers, of none of which anything can be told."""
    day = Day()
    for carrier in range(21):
        for n in range(25):
            day.socket(probes=3)
            day.lines[-1]["socket"]["peer"]["address"] = f"203.0.{carrier}.{n + 1}"
    r = run("--hold-open", day.write(tmp_path / "day.jsonl"))
    blocks = r.stdout.split("\n\n")
    assert len(blocks) == 2 and "the same for 20 more" in blocks[1], r.stdout
    assert all(f"203.0.{carrier}.0/24" in r.stdout for carrier in range(6))
    assert "and 15 others (375 sockets; --json tells each)" in blocks[1]
    assert max(map(len, r.stdout.splitlines())) < 400
    told = run("--hold-open", "--json", str(tmp_path / "day.jsonl")).stdout
    assert all(f"203.0.{carrier}.0/24" in told for carrier in range(21))
    lines = [l for l in r.stdout.splitlines() if l.startswith("  ")]
    assert len(lines) == len(set(lines))


def test_no_exponents_and_no_naked_goals(tmp_path):
    day = probed((7200, 75, 9), 2000)
    for line in day.lines[1:]:
        line["keepalive"].update(idle_s=1, interval_s=1)
    text = advise(day, tmp_path, "--detect-within", "5m")[1]
    assert "e+0" not in text and "none ended half-open" in text and " 0 half-open" not in text
    r = run("--detect-within", "10s", "--budget", "20kB/day", str(tmp_path / "day.jsonl"))
    assert "--detect-within (10 s)" in r.stdout and "--budget (20000 bytes a socket and day)" in r.stdout


def test_who_is_silent_now_is_counted(tmp_path):
    day = probed((60, 10, 3))
    for line in day.lines[1:4]:
        line["outcome"] = "suspect"
    advice, text = advise(day, tmp_path, "--detect-within", "5m")
    assert advice["evidence"]["suspect"] == 3 and "3 open with asks unanswered" in text


def test_a_single_lost_probe_kills(tmp_path):
    day = probed((15, 15, 9))
    for line in day.lines[1:]:
        line["keepalive"]["user_timeout_ms"] = 20000
    advice, text = advise(day, tmp_path, "--detect-within", "5m")
    assert advice["evidence"]["killed_by_one_loss"] > 0 and "a single lost probe ends" in text
    assert advice["verdict"] == "change"


@pytest.mark.parametrize("timeout,names", [(240, {"azure-lb"}), (350, {"1nce", "aws-nat-gateway",
                                           "aws-network-firewall", "aws-nlb"}), (500, set())])
def test_documented_timers_are_recognised(timeout, names, tmp_path):
    advice, text = advise(forgetful(timeout), tmp_path, "--hold-open")
    assert set(advice["idle_timeout"]["documented"]) == names
    assert all(f"{name} (" in text for name in names)


def test_whose_fault_it_is_that_some_take_longer(tmp_path):
    day = Day()
    for _ in range(60):
        day.socket(probes=3)
    for _ in range(3):
        day.socket(program="slow", own=(600, 60, 5), probes=3)
    advice, text = advise(day, tmp_path, "--detect-within", "2m")
    assert advice["predicted"]["proposed"]["detection_s"]["max"] > 120
    assert "longer than 2m: sockets with options of their own (slow 3)" in text
    day = Day()
    for _ in range(60):
        day.socket(gaps=[(500, 80)], probes=3)
    advice, text = advise(day, tmp_path, "--detect-within", "2m")
    assert advice["predicted"]["proposed"]["detection_s"]["max"] > 900
    assert "longer than 2m: where our program's own data wait for an acknowledgement" in text


def test_a_watch_that_began_amid_retransmissions(tmp_path):
    """When their data were sent first was not seen: they are no evidence of what a user timeout does."""
    day = Day()
    for _ in range(60):
        day.socket(probes=3)
    for n in range(8):
        day.socket(found_by="retransmit", latency=930)
        if n >= 4:
            line = day.lines[-1]
            line["partial"] = True
            line["first_seen_at"] = line["half_open"]["last_heard_at"]
            line["events"] = [dict(e, n=e["n"] + 6) for e in line["events"]]
    advice, _ = advise(day, tmp_path, "--detect-within", "2m")
    assert advice["unacknowledged"]["deaths"] == 4


def test_a_path_that_remembers_for_longer_than_the_kernel_waits(tmp_path):
    """Linux takes no idle time above 32,767 s; today's loses all: no such value, and no short one, either."""
    day = forgetful(100000, (7200, 75, 1))
    for line in day.lines[1:]:
        line["first_seen_at"] = at(-400000)
    advice, _ = advise(day, tmp_path, "--hold-open")
    assert advice["verdict"] == "change" and advice["proposed"]["idle_s"] == 32767


@pytest.mark.parametrize("today,within", [((60, 15, 60), 120), ((7200, 75, 9), 120), ((7200, 1, 100), 60),
                                          ((7200, 75, 2), 300), ((600, 30, 20), 30)])
def test_the_cheapest_that_is_quick_enough_and_outlasts_losses(today, within, tmp_path):
    """No swarm of probes a second apart because there are many today: what is proposed is quick enough, no
    setting that outlasts the same losses with probes as far apart asks less often, and with one probe in
    a hundred lost hardly any live peer is given up."""
    advice, text = advise(probed(today, 300), tmp_path, "--detect-within", f"{within}s")
    assert advice["verdict"] == "change", advice["why"]
    idle, interval, probes = (advice["proposed"][k] for k in ("idle_s", "interval_s", "probes"))
    assert advice["predicted"]["proposed"]["detection_s"]["max"] <= within
    assert probes >= 3 and interval * probes >= min(today[1] * today[2], within / 4), text
    assert probes <= max(today[2], 5)
    # Probes closer than five seconds are only there because as many may be lost in a row.
    assert interval >= 5 or probes <= 5, text
    # A longer idle time would miss the goal: timers are late by an eighth of each time at most. Nobody is
    # asked less often than today, as the path may forget.
    assert idle == today[0] or (idle + interval * probes) * 1.03 + interval > within * 0.95, text
    rng = random.Random(within)
    given_up = sum(all(rng.random() < 0.01 for _ in range(probes)) for _ in range(365 * 24 * 3600 // int(idle)))
    assert given_up <= 10


def test_what_is_evaluated_is_judged(tmp_path):
    """The path forgets after 240 s: probes every 300 s lose it, and that is said; and the goal's fate."""
    advice, text = advise(forgetful(240), tmp_path, "--evaluate", "300/75/9")
    assert advice["may_forget"] and "beware: nothing shows that the path remembers" in text
    advice, text = advise(forgetful(240), tmp_path, "--evaluate", "100/20/9")
    assert "may_forget" not in advice and "beware" not in text
    day = probed((60, 10, 3))
    advice, _ = advise(day, tmp_path, "--evaluate", "600/10/3", "--detect-within", "5m")
    assert advice["verdict"] == "change" and "misses the goals: a dead peer is noticed within" in advice["why"]
    assert "not 300 (--detect-within)" in advice["why"] and advice["may_forget"]
    advice, _ = advise(day, tmp_path, "--evaluate", "120/10/3", "--detect-within", "5m")
    assert advice["why"].endswith("meets the goals")
    advice, _ = advise(day, tmp_path, "--evaluate", "120/10/3")
    assert advice["why"] == "asked for by --evaluate"


def test_what_is_the_same_is_kept(tmp_path):
    advice, text = advise(probed((60, 10, 3)), tmp_path, "--evaluate", "60/10/3")
    assert advice["verdict"] == "keep" and "change 60/10/3" not in text and not advice["commands"]


def test_an_inode_of_another_run_has_other_sysctls(tmp_path):
    """Without cookies: one inode in two runs of a boot."""
    first, second = (Day(run=run, cookie=None, sysctl=sysctl) for run, sysctl in ((1, (7200, 75, 9)), (2, (600, 10, 5))))
    for day in (first, second):
        for _ in range(20):
            day.socket(probes=3)
    second.lines[0]["started_at"] = at(86400)
    for line in second.lines[1:]:
        line.update(first_seen_at=at(86400), last_heard_at=at(90000))
    files = first.write(tmp_path / "1.jsonl"), second.write(tmp_path / "2.jsonl")
    lines = [json.loads(l) for l in run("--json", *files).stdout.splitlines()]
    places = [l for l in lines if l["scope"]["kind"] == "namespace"]
    assert [l["current"]["idle_s"] for l in places] == [7200, 600]
    assert len({l["scope"]["text"] for l in places}) == 2
    assert all("first seen 20" in l["scope"]["text"] for l in places)


def test_exit_codes_say_what_was_found(tmp_path):
    path = probed((60, 10, 3)).write(tmp_path / "day.jsonl")
    r = run("--detect-within", "1s", path)
    assert r.returncode == 3 and "the goals exclude each other" in r.stdout, r
    # The sysctls are to be changed, but that is not what --policy tells.
    day = Day()
    for _ in range(40):
        day.socket(program="nginx", own=(60, 10, 3), gaps=[(60.5, 1300)], probes=1400)
    for _ in range(4):
        day.socket(probes=3)
        day.lines[-1]["socket"]["local"]["port"] = 22
    path = day.write(tmp_path / "day.jsonl")
    groups = [l["verdict"] for l in map(json.loads, run("--json", "--detect-within", "5m", path).stdout.splitlines())]
    assert groups[0] == "change" and "change" not in groups[1:], groups
    r = run("--policy", "--detect-within", "5m", path)
    assert r.returncode == 0 and not r.stdout and "no policy" in r.stderr, r


def test_an_input_that_tells_nothing_is_named(tmp_path):
    path = Day().write(tmp_path / "day.jsonl")
    r = run(path)
    assert r.returncode == 2 and not r.stdout and f"{path}: no connections in the input" in r.stderr, r
    day = probed((60, 10, 3))
    day.lines[7]["schema"] = "halfopen.timeline/2"
    r = run(day.write(tmp_path / "day.jsonl"))
    assert r.returncode == 2 and "line 8: schema: 'halfopen.timeline/2'" in r.stderr, r


def test_what_nobody_watched_has_no_price(tmp_path):
    """Sockets seen for no time at all."""
    day = probed((60, 10, 3), 20)
    for line in day.lines[1:]:
        line.update(first_seen_at=at(5), last_heard_at=at(5))
        line["gaps"] = {"survived": []}
    advice, text = advise(day, tmp_path, "--evaluate", "100/20/5")
    assert advice["predicted"] == {"current": None, "proposed": None}
    assert "nan" not in text and "a socket and day" not in text


def test_no_change_from_a_value_to_itself(tmp_path):
    """Some have an idle time of their own, too long for the goal, and follow the rest; no proposal may be
    what the sysctls are already."""
    for sysctl, own in (((60, 10, 3), 600), ((60, 75, 3), 600), ((20, 5, 3), 3000)):
        day = probed(sysctl, 30)
        for _ in range(10):
            day.socket(gaps=[(own + 1, 100)], probes=100, own=(own, *sysctl[1:]))
            day.lines[-1]["keepalive"]["from"].update(interval="sysctl", probes="sysctl")
        for goals in (["--detect-within", "5m"], ["--detect-within", "2m"], []):
            advice, text = advise(day, tmp_path, *goals)
            assert advice["verdict"] != "change" or advice["proposed"] != advice["current"], advice["why"]
            assert "change {0}/{1}/{2} to {0}/{1}/{2} ".format(*sysctl) not in text
