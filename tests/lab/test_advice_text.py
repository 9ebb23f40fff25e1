# SPDX-License-Identifier: GPL-2.0
"""Advice in words, from days that were made up: the same words each time, at most twelve lines a
place. HALFOPEN_GOLDEN=1 writes tests/lab/advice/*.txt anew; look at the difference."""
import datetime
import json
import os
import random
import re
import shutil
import subprocess

import pytest

import schema
from days import Day, at
from lab import HALFOPEN

HERE = os.path.dirname(os.path.abspath(__file__))


def usual():
    day = Day().devices()
    for _ in range(40):
        day.socket(program="nginx", enabled=False)
    for _ in range(3):
        day.socket(program="mosquitto", own=(30, 10, 3), probes=100)
    for n in range(4):
        day.socket(found_by="retransmit", latency=930 + 10 * n)
    return day


def all_at_once():
    """Whatever can be said of a place is said."""
    day = usual()
    day.devices(30, heartbeats=700)
    day.timeout = 1e9
    return day.devices(20, peer_probes=100)


CASES = {
    "all_at_once": (all_at_once, ["--detect-within", "5m"]),
    "usual": (usual, []),
    "detect_within": (usual, ["--detect-within", "5m"]),
    "conflict": (usual, ["--detect-within", "2m", "--budget", "20kB/day", "--billing-increment", "100B"]),
    "budget": (usual, ["--budget", "50kB/day"]),
    "evaluate": (usual, ["--evaluate", "240/20/5"]),
    "thin": (lambda: Day().devices(8), []),
    "container": (lambda: Day().devices(container="c" * 64), ["--hold-open"]),
    "no_cookie": (lambda: Day(cookie=None).devices(), []),
    "not_all": (lambda: Day(all_told=False).devices(), []),
    "no_keepalive": (lambda: Day(timeout=1e9).devices(enabled=False), ["--detect-within", "5m"]),
    "policy": (usual, ["--policy"]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_words(name, tmp_path):
    make, arguments = CASES[name]
    r = subprocess.run([HALFOPEN, "advise", *arguments, make().write(tmp_path / "day.jsonl")],
                       capture_output=True, text=True)
    assert r.returncode in (0, 3), r.stderr
    text = f"{r.stdout}--- {r.returncode}\n{r.stderr}"
    golden = os.path.join(HERE, "advice", f"{name}.txt")
    if os.environ.get("HALFOPEN_GOLDEN"):
        with open(golden, "w") as f:
            f.write(text)
    if name == "detect_within":
        assert "then: dead peers noticed" in text and " 5m" not in text.split("  then: ")[1].split(";")[0]
    for place in r.stdout.split("\n\n"):
        assert len(place.strip().splitlines()) <= 12
    with open(golden) as f:
        assert text == f.read()


@pytest.mark.parametrize("values", ["5/1/1", "30/1/2", "240/20/5", "7200/75/9"])
def test_live_peers_that_would_be_given_up_are_told(values, tmp_path):
    """As JSON has them: where some were seen to be, and where a bound is worse than today's."""
    day = Day()
    for n in range(100):
        day.socket(gaps=[(600, 5)], probes=100, mutes=[20 + n % 20] * 5)
    path = day.write(tmp_path / "day.jsonl")
    args = [HALFOPEN, "advise", "--evaluate", values]
    said = json.loads(subprocess.run([*args, "--json", path], capture_output=True, text=True).stdout.splitlines()[0])
    now, then = (said["predicted"][k]["false_deaths_per_socket_year"] for k in ("current", "proposed"))
    place = subprocess.run([*args, path], capture_output=True, text=True).stdout.split("\n\n")[0]
    told = re.search(r"gives up live peers: (not known, at most |(\S+) to )(\S+) a socket and year \(now ", place)
    if values == "5/1/1":
        assert then["low"] > 0.1, then
    if values == "7200/75/9":
        assert not told and now == then
    elif then["low"] >= 0.1:
        assert float(told[2]) == pytest.approx(then["low"], rel=0.01)
        assert float(told[3]) == pytest.approx(then["high"], rel=0.01)
    else:
        assert bool(told) == (then["high"] >= max(0.1, 2 * now["high"]))
        assert not told or told[1] == "not known, at most "


def test_who_is_noticed_and_from_when(tmp_path):
    r = subprocess.run([HALFOPEN, "advise", usual().write(tmp_path / "day.jsonl")], capture_output=True, text=True)
    now = next(l for l in r.stdout.splitlines() if l.startswith("  now: "))
    assert "(all of the 127 with keepalive) of their death" in now and "never by the 40 without keepalive" in now
    assert re.search(r"retransmission, .* \(all\) of when they were last heard", r.stdout)


def test_what_was_not_measured_is_null(tmp_path):
    for day, measured in ((Day(timeout=1e9).devices(), False), (Day().devices(), True)):
        r = subprocess.run([HALFOPEN, "advise", "--json", day.write(tmp_path / "day.jsonl")], capture_output=True,
                           text=True)
        said = json.loads(r.stdout.splitlines()[0])
        assert not list(schema.validator("advice").iter_errors(said))
        took = said["evidence"]["detection_s"]
        assert took["p50"] > 0 if measured else took is None


def test_order_and_number_of_files_change_nothing(tmp_path):
    """Ids as well; a socket that two files tell of is one."""
    day = usual()
    whole = day.write(tmp_path / "whole.jsonl")
    meta, lines = day.lines[0], day.lines[1:]
    random.Random(3).shuffle(lines)
    parts = []
    for n in range(3):
        day.lines = [meta] + lines[n * 50:n * 50 + 70]
        parts.append(day.write(tmp_path / f"part{n}.jsonl"))
    subprocess.run(["zstd", "-q", parts[1]], check=True)
    parts[1] += ".zst"

    def say(*files):
        out = subprocess.run([HALFOPEN, "advise", "--json", *files], capture_output=True, text=True)
        assert out.returncode == 3, out.stderr
        said = [json.loads(l) for l in out.stdout.splitlines()]
        for l in said:
            assert not list(schema.validator("advice").iter_errors(l))
            del l["run_id"]
        return said
    assert say(whole) == say(*reversed(parts)) == say(whole, whole)


def test_before_and_after(tmp_path):
    slow = Day(run=1).devices().write(tmp_path / "slow.jsonl")
    quick = Day(run=2, seed=9, sysctl=(240, 20, 5)).devices().write(tmp_path / "quick.jsonl")

    def compare(*files):
        r = subprocess.run([HALFOPEN, "advise", "--json", "--compare", *files], capture_output=True,
                           text=True)
        assert r.returncode == 0, r.stderr
        line = json.loads(r.stdout)
        assert not list(schema.validator("compare").iter_errors(line))
        return {c["what"]: c for c in line["changes"]}
    change = compare(slow, quick)
    assert change["detection_p50"]["verdict"] == "lower" and change["detection_p50"]["high"] < -200
    assert change["probes"]["verdict"] == "noise"
    other = Day(run=3, seed=5).devices().write(tmp_path / "other.jsonl")
    assert compare(slow, other)["detection_p50"]["verdict"] == "noise"
    few = Day(run=4).devices(3).write(tmp_path / "few.jsonl")
    assert compare(slow, few)["detection_p50"]["verdict"] == "too_few"

    # In words, with a direction; and of the operator's networks, one by one.
    groups = tmp_path / "groups"
    groups.write_text("203.0.113.0/25 north\n203.0.113.128/25 south\n")
    r = subprocess.run([HALFOPEN, "advise", "--compare", "--groups", groups, slow, quick],
                       capture_output=True, text=True)
    blocks = r.stdout.split("\n\n")
    assert [b.split(":")[0] for b in blocks] == ["all peers", "north", "south"], r.stdout
    assert re.search(r"detection_p50 +\S+ -> \S+: sooner by ", blocks[0])
    r = subprocess.run([HALFOPEN, "advise", "--compare", slow, other], capture_output=True, text=True)
    assert "tcp_keepalive_* are the same" in r.stdout
    assert all(l.endswith(": noise") for l in r.stdout.splitlines() if "sooner by" in l or "later by" in l)


def test_what_is_compared_is_named(tmp_path):
    slow = Day(run=1).devices().write(tmp_path / "slow.jsonl")
    quick = Day(run=2, seed=9, sysctl=(240, 20, 5)).devices().write(tmp_path / "quick.jsonl")
    none = Day(run=3).write(tmp_path / "none.jsonl")

    def head(*files):
        r = subprocess.run([HALFOPEN, "advise", "--compare", *files], capture_output=True, text=True)
        assert r.returncode == 0, r.stderr
        return r.stdout.splitlines()[:2]
    assert head(slow, quick)[0].endswith("; net.ipv4.tcp_keepalive_* (idle/interval/probes) 7200/75/9 -> 240/20/5")
    assert head(none, slow)[1] == "  no sockets are in the first FILE: there is nothing to compare"
    assert head(slow, none)[1] == "  no sockets are in the second FILE: there is nothing to compare"
    other = Day(run=4)
    other.netns["inode"] = 4026539999
    assert "same" not in head(slow, other.devices().write(tmp_path / "other.jsonl"))[0]


def test_one_watch_is_no_before_and_after(tmp_path):
    """By its name, by another name of the file, as a copy, packed, within a longer one, through a pipe."""
    day = Day(run=1).devices()
    slow = day.write(tmp_path / "slow.jsonl")
    link, copy, longer = (str(tmp_path / name) for name in ("link", "copy.jsonl", "longer.jsonl"))
    os.symlink(slow, link)
    shutil.copy(slow, copy)
    subprocess.run(["zstd", "-qk", copy], check=True)
    day.devices(5).write(longer)
    quick = Day(run=2, seed=9, sysctl=(240, 20, 5)).devices().write(tmp_path / "quick.jsonl")
    for other, why in ((slow, "are one file"), (link, "are one file"), (copy, "the same watch: all 120"),
                       (copy + ".zst", "the same watch"), (longer, "the same watch"), ("-", "the same watch")):
        with open(slow) as told:
            r = subprocess.run([HALFOPEN, "advise", "--compare", slow, other], capture_output=True, text=True,
                               stdin=told)
        assert r.returncode == 2 and why in r.stderr and not r.stdout, r
        assert slow in r.stderr and f"'{other}'" in r.stderr and "expected what was told before" in r.stderr
    assert subprocess.run([HALFOPEN, "advise", "--compare", slow, quick]).returncode == 0
    # Some are open in both: two watches of one boot.
    both = Day(run=2)
    both.lines += day.lines[1:40]
    for line in both.lines[1:]:
        line.update(run_id=both.lines[0]["run_id"], revision=2, last_heard_at=at(86000))
    r = subprocess.run([HALFOPEN, "advise", "--compare", slow, both.write(tmp_path / "both.jsonl")])
    assert r.returncode == 0


def test_two_days_on_which_nothing_happened(tmp_path):
    """No exponent, no \"few hours\" of deaths that there were none of, and the wrong order is noticed where
    one file ends as the other begins: by the clock of the files themselves."""
    def day(name, run, hours):
        d = Day(run=run)
        for _ in range(200):
            d.socket(gaps=[(600, 71)], probes=71)
        text = open(d.write(tmp_path / name)).read()
        if hours:
            text = re.sub(r"2026-\d\d-\d\dT[\d:.]+", lambda m: (datetime.datetime.fromisoformat(m[0][:26])
                          + datetime.timedelta(hours=hours)).isoformat(timespec="microseconds"), text)
            (tmp_path / name).write_text(text)
        return tmp_path / name
    first, second = day("first.jsonl", 1, 0), day("second.jsonl", 2, 12)

    def compare(*files):
        return subprocess.run([HALFOPEN, "advise", "--compare", *files], capture_output=True, text=True)
    r = compare(first, second)
    assert r.returncode == 0 and "watched later" not in r.stderr, r.stderr
    assert re.search(r"half_open +none, before and after", r.stdout), r.stdout
    assert not re.search(r"\de[-+]\d|few hours|-0 ", r.stdout), r.stdout
    assert "watched later than the second" in compare(second, first).stderr
    assert "proposes nothing" not in r.stderr
    for aside in (["--policy"], ["--hold-open"], ["--evaluate", "60/10/3"]):
        more = compare(*aside, first, second)
        assert more.stdout == r.stdout and "proposes nothing" in more.stderr, more.stderr


def test_heartbeats_that_were_chosen_to_fit(tmp_path):
    """Devices that send just before the carrier forgets them tell little of when it does."""
    day = Day().devices(40)
    for _ in range(100):
        day.socket(gaps=[(800, 20)])
        day.lines[-1]["heartbeat"] = {"period_s": 800, "bytes": 1, "replied": True}
        day.lines[-1]["gaps"]["survived"][0]["ended_by"] = "peer"
    path = day.write(tmp_path / "day.jsonl")
    r = subprocess.run([HALFOPEN, "advise", path], capture_output=True, text=True)
    assert "beware: most devices' heartbeats (every 13m20s) stay just under it" in r.stdout, r.stdout
    r = subprocess.run([HALFOPEN, "advise", "--json", path], capture_output=True, text=True)
    for l in map(json.loads, r.stdout.splitlines()):
        assert not list(schema.validator("advice").iter_errors(l))
        assert l["idle_timeout"]["beware"] == "heartbeats_chosen_to_fit"


def bad_lines():
    good = Day().devices(1).lines
    cut = json.dumps(good[1])
    no_cookie = json.loads(cut)
    no_cookie["socket"]["cookie"] = 7
    odd_time = json.loads(cut)
    odd_time["first_seen_at"] = "yesterday"
    return {
        "no JSON": ("hello\n", r"line 1, column \d+: expected a line of halfopen's JSON"),
        "another's": ('{"level":"info"}\n', r"line 1: schema: expected one of halfopen's"),
        "broken": (json.dumps(good[0]) + "\n" + cut[:200] + "\n", r"line 2, column \d+: expected"),
        "no cookie": (json.dumps(no_cookie) + "\n", r"line 1: socket.cookie: expected a string of digits"),
        "odd time": (json.dumps(odd_time) + "\n", r"line 1: first_seen_at: expected a time like"),
    }


@pytest.mark.parametrize("name", bad_lines())
def test_bad_input_is_named(name, tmp_path):
    text, said = bad_lines()[name]
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    r = subprocess.run([HALFOPEN, "advise", str(path)], capture_output=True, text=True)
    assert r.returncode == 2 and not r.stdout
    assert re.search(re.escape(str(path)) + ": " + said, r.stderr), r.stderr


ARGUMENTS = [
    ([], "FILE is missing"), (["--evaluate", "1/2", "x"], "no IDLE/INTERVAL/PROBES"),
    (["--budget", "5kB/hour", "x"], "no size a day"), (["--detect-within", "5", "x"], "no duration"),
    (["--compare", "x"], "two FILEs"), (["--live", "1m", "x"], "takes no FILE"), (["/nonexistent"], "No such"),
]


@pytest.mark.parametrize("arguments,said", ARGUMENTS, ids=[" ".join(a) for a, _ in ARGUMENTS])
def test_bad_arguments_are_named(arguments, said):
    r = subprocess.run([HALFOPEN, "advise", *arguments], capture_output=True, text=True)
    assert r.returncode == 2 and said in r.stderr, r.stderr


def test_a_file_that_is_cut_off(tmp_path):
    path = usual().write(tmp_path / "day.jsonl")
    with open(path, "r+") as f:
        f.truncate(os.path.getsize(path) - 100)
    r = subprocess.run([HALFOPEN, "advise", path], capture_output=True, text=True)
    assert r.returncode == 2 and "it is cut off in line" in r.stderr, r.stderr
    assert "do: halfopen apply" in r.stdout     # on what comes before


def test_a_recording_is_advised_on():
    """Whatever is in there: it is replayed, as a file and from a pipe."""
    path = os.path.join(HERE, "..", "recordings", "gaps_end_in_loss.ho.zst")
    one = subprocess.run([HALFOPEN, "advise", path], capture_output=True, text=True)
    with open(path, "rb") as f:
        other = subprocess.run(["sh", "-c", f"cat | {HALFOPEN} advise -"], stdin=f, capture_output=True,
                               text=True)
    assert one.returncode == 0 and "too few sockets were seen" in one.stdout, one.stderr
    assert other.stdout == one.stdout
