# SPDX-License-Identifier: GPL-2.0
"""halfopen sockets --probed: how many are dead by the answers to an earlier probe; the truth is whom the lab cut off."""
import contextlib
import json
import re
import select
import socket
import subprocess
import time

import pytest

import schema
from lab import HALFOPEN, Lab, tcp_info, wait_until


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def halfopen(*arguments):
    return subprocess.run([HALFOPEN, *arguments], capture_output=True, text=True, timeout=120)


def here(lab):
    return f"netns = {lab.gateway.name}"


def probe(lab, *arguments):
    """Its lines, the summary, and the file."""
    r = halfopen("probe", "--json", "-q", "--within", "1300ms", *arguments)
    path = lab.path("asked")
    with open(path, "w") as f:
        f.write(r.stdout)
    *lines, last = map(json.loads, r.stdout.splitlines())
    assert not list(schema.validator("probe_summary").iter_errors(last)), last
    for line in lines:
        assert not list(schema.validator("probe").iter_errors(line)), line
    return lines, last, path


def counted(lab, path, *arguments):
    r = halfopen("sockets", "--summary", "--json", "--probed", path, here(lab), *arguments)
    assert r.returncode == 0, r.stderr
    said = json.loads(r.stdout)
    errors = list(schema.validator("summary").iter_errors(said))
    assert not errors, (errors[0].message, said)
    return said


def dead_line(lab, path):
    """The sentence on the dead."""
    text = halfopen("sockets", "--summary", "--probed", path, here(lab)).stdout
    return re.search(r"^dead: .*(\n  .*)*", text, re.MULTILINE)[0], text


def gauges(lab, path, *arguments):
    page = lab.path("page.prom")
    r = halfopen("sockets", "--prom", page, "--probed", path, here(lab), *arguments)
    assert r.returncode == 0, r.stderr
    found = {}
    with open(page) as f:
        for name, group, value in re.findall(r'^(\w+)(?:\{group="([^"]*)"\})? ([\d.]+)$', f.read(), re.MULTILINE):
            found.setdefault(name, {})[group] = float(value)
    return found


def changed(path, change):
    """The file, its summary changed."""
    with open(path) as f:
        *lines, last = f.read().splitlines()
    last = json.loads(last)
    change(last)
    with open(path, "w") as f:
        f.write("\n".join([*lines, json.dumps(last)]) + "\n")


def cut(lab, pairs):
    """Whatever these devices send is lost. A port of theirs may be another connection's, too, to another of ours."""
    ports = ", ".join(f"{device.getsockname()[1]} . {device.getpeername()[1]}" for _, device in pairs)
    lab.gateway.drop("input", f"tcp sport . tcp dport {{ {ports} }}")


def exactly(n, of, **more):
    return {"estimate": n, "low": n, "high": n, "of": of, "by": "probe", **more}


# ---- of whom they are a sample ----

def test_a_probe_of_one_port_says_nothing_of_another(lab):
    """20 of 7001 are dead, and were asked; 60 of 7002 live, and nobody asked them."""
    cut(lab, [lab.connect(port=7001) for _ in range(20)])
    for _ in range(60):
        lab.connect(port=7002)
    _, summary, path = probe(lab, "sport = :7001", "and", here(lab))
    assert summary["filter"] == f"sport = :7001 and {here(lab)}" and summary["matched"] == 20
    said = counted(lab, path)
    assert said["total"]["estimated_dead"] == exactly(20, 20, unknown=60), said
    of_port = {g["port"]: g["estimated_dead"] for g in said["groups"]}
    assert of_port[7001] == exactly(20, 20)
    assert of_port[7002] == {"estimate": None, "low": None, "high": None, "of": 0, "unknown": 60, "by": "probe"}
    sentence, text = dead_line(lab, path)
    assert re.fullmatch(r"dead: 20, as 20 of them were asked \S+ ago; of 60 nothing is known", sentence), sentence
    assert re.search(r"^\S+ +7002 .* \? \S+$", text, re.MULTILINE), text
    dead = gauges(lab, path)["halfopen_sockets_estimated_dead"]
    assert [(group.split(":")[-1], n) for group, n in dead.items()] == [("7001", 20)]


def test_where_none_of_them_was_to_be_asked(lab):
    lab.connect(port=7001)
    *_, path = probe(lab, "sport = :7001", "and", here(lab))
    lab.connect(port=7002)
    r = halfopen("sockets", "--summary", "--probed", path, here(lab), "and", "sport = :7002")
    assert re.search(r"^dead: nothing is known, as none of them was to be asked \S+ ago$", r.stdout, re.MULTILINE), r


def test_a_sample_is_one_of_its_filter(lab):
    """Half of 7001 is dead: an interval that holds that, and nothing of 7002."""
    pairs = [lab.connect(port=7001) for _ in range(60)]
    cut(lab, pairs[::2])
    for _ in range(40):
        lab.connect(port=7002)
    *_, path = probe(lab, "--sample", "50%", "sport = :7001", "and", here(lab))
    dead = counted(lab, path)["total"]["estimated_dead"]
    assert dead["unknown"] == 40 and dead["of"] == 30 and dead["high"] <= 60, dead
    assert 3 <= dead["low"] <= dead["estimate"] <= dead["high"], dead     # 30 are: below 3 once in 10^12


def test_a_filter_by_names_that_are_not_told(lab):
    """Of a device's name nothing is known here, without --identities: those that were asked count alone."""
    (gateway, device), _ = lab.connect(port=7001), lab.connect(port=7002)
    names = lab.path("names")
    with open(names, "w") as f:
        f.write(json.dumps({"peer": f"10.77.0.2:{device.getsockname()[1]}", "device": "scooter-1"}) + "\n")
    cut(lab, [(gateway, device)])
    *_, path = probe(lab, "--identities", names, "device = scooter-1")
    assert counted(lab, path)["total"]["estimated_dead"] == exactly(1, 1, unknown=1)
    assert counted(lab, path, "--identities", names)["total"]["estimated_dead"] == exactly(1, 1, unknown=1)


def test_the_file_of_an_older_version(lab):
    """It has neither FILTER nor clock: of those that it did not ask nothing is known."""
    pairs = [lab.connect(port=7001) for _ in range(6)]
    cut(lab, pairs[:2])
    *_, path = probe(lab, "sport = :7001", "and", here(lab))
    with open(path) as f:
        lines = [json.loads(line) for line in f]
    with open(path, "w") as f:
        for line in lines:
            f.write(json.dumps({key: value for key, value in line.items() if key not in (
                "asked_at", "mono_ns", "drawn_at", "drawn_mono_ns", "filter") and
                (key != "at" or "result" not in line)}) + "\n")
    lab.connect(port=7001)
    assert counted(lab, path)["total"]["estimated_dead"] == exactly(2, 6, unknown=1)
    changed(path, lambda last: last.update(at="2199-01-01T00:00:00.000000000Z"))
    assert counted(lab, path)["total"]["estimated_dead"] == exactly(2, 6, unknown=1)
    assert "by a clock that was ahead" in dead_line(lab, path)[0].replace("\n  ", " ")


@pytest.mark.parametrize("key, value, said", [
    ("filter", "sport = mqtt-x", "filter, column 9"), ("filter", 7, "filter: expected"),
    ("mono_ns", 7, "mono_ns"), ("drawn_mono_ns", "soon", "mono_ns")])
def test_a_summary_that_is_wrong(lab, key, value, said):
    lab.connect()
    *_, path = probe(lab, here(lab))
    changed(path, lambda last: last.update({key: value}))
    r = halfopen("sockets", "--summary", "--probed", path, here(lab))
    assert (r.returncode, r.stdout) == (2, "") and f"{path}:2: {said}" in r.stderr, r


# ---- who was heard since ----

def test_connections_younger_than_the_probe(lab):
    """All were asked; whoever was opened afterwards lives, and changes nothing."""
    pairs = [lab.connect(port=7001) for _ in range(20)]
    cut(lab, pairs[:4])
    *_, path = probe(lab, here(lab))
    for _ in range(20):
        lab.connect(port=7001)
    said = counted(lab, path)
    assert said["total"]["sockets"] == 40 and said["total"]["estimated_dead"] == exactly(4, 20), said
    assert re.fullmatch(r"dead: 4, as 20 of them were asked \S+ ago", dead_line(lab, path)[0])
    assert sum(gauges(lab, path)["halfopen_sockets_estimated_dead"].values()) == 4


def test_heard_after_a_sample(lab):
    """Nobody asked it, but it spoke: it lives, whatever share of the asked is dead."""
    pairs = [lab.connect(port=7001) for _ in range(20)]
    cut(lab, pairs)
    *_, path = probe(lab, "--sample", "50%", here(lab))
    assert counted(lab, path)["total"]["estimated_dead"]["estimate"] == 20
    lab.gateway.mend()
    for gateway, device in pairs:
        device.send(b"here again")
        wait_until(lambda sock=gateway: select.select([sock], [], [], 0)[0], 20, "its data")
    assert counted(lab, path)["total"]["estimated_dead"] == exactly(0, 10)


def test_who_speaks_while_the_probe_runs(lab):
    """Unanswered, as it was cut off; it speaks before the probe has asked the last: it lives, says the probe itself,
    and says what counts with it."""
    pairs = [lab.connect(port=7001) for _ in range(5)]
    cut(lab, pairs[:4])
    out = lab.path("asked")
    with open(out, "w") as f:
        process = subprocess.Popen([HALFOPEN, "probe", "--json", "-q", "--within", "1300ms", "--rate", "1", here(lab)],
                                   stdout=f)
        lab.end_process(process)

        def unanswered():
            with open(out) as lines, contextlib.suppress(json.JSONDecodeError):
                return [l for l in map(json.loads, lines) if l.get("result") == "unanswered"]
            return []
        first = wait_until(unanswered, 60, "an unanswered ask")
        lab.gateway.mend()
        for gateway, device in pairs[:4]:
            device.send(b"here again")
            wait_until(lambda sock=gateway: select.select([sock], [], [], 0)[0], 20, "its data")
        assert process.wait(60) == 0
    with open(out) as f:
        *lines, summary = map(json.loads, f)
    late = [l for l in lines if l["result"] == "unanswered"]
    assert len(late) >= len(first) >= 1 and summary["unanswered"] == len(late)
    assert summary["heard_later"] == len(late), summary
    assert summary["dead"] == {"estimate": 0, "low": 0, "high": 0}, summary
    assert all(l["asked_at"] < l["at"] <= summary["at"] for l in late)
    assert counted(lab, out)["total"]["estimated_dead"] == exactly(0, 5)
    assert not list(schema.validator("probe_summary").iter_errors(summary))


def test_its_words_of_who_speaks_while_it_runs(lab):
    pairs = [lab.connect(port=7001) for _ in range(5)]
    cut(lab, pairs)
    out = lab.path("text")
    with open(out, "w+") as f:
        process = subprocess.Popen([HALFOPEN, "probe", "-q", "--within", "1s", "--asks", "1", "--rate", "1", here(lab)],
                                   stdout=f)
        lab.end_process(process)
        time.sleep(3.5)     # some had their second, and some are to be asked: which does not matter
        lab.gateway.mend()
        for gateway, device in pairs:
            device.send(b"here again")
        assert process.wait(60) == 0
        f.seek(0)
        text = f.read()
    asked = re.match(r"5 sockets asked: (\d) answered, (\d) did not(?: \((\d) were heard later, and live\))?\n", text)
    assert asked and int(asked[1]) + int(asked[2]) == 5 and (asked[3] or "0") == asked[2], text
    assert "\ndead: 0 of 5\n" in text and "no answer" not in text, text


# ---- the clock ----

@pytest.mark.parametrize("by_s", [-86400, -600, 600, 86400])
def test_the_clock_is_set_between(lab, by_s):
    """As if it had been: the file's wall clock is another one, CLOCK_MONOTONIC is not."""
    pairs = [lab.connect(port=7001) for _ in range(20)]
    cut(lab, pairs[:5])
    lines, summary, path = probe(lab, here(lab))
    assert 0 < time.clock_gettime_ns(time.CLOCK_MONOTONIC) - int(summary["mono_ns"]) < 60e9
    assert all(int(summary["drawn_mono_ns"]) < int(l["mono_ns"]) <= int(summary["mono_ns"]) for l in lines)
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + by_s)) + ".000000000Z"
    changed(path, lambda last: last.update(at=at))
    said = counted(lab, path)
    assert said["total"]["estimated_dead"] == exactly(5, 20), said
    assert said["probed_at"] <= said["at"]
    assert re.fullmatch(r"dead: 5, as 20 of them were asked (\d+m)?\d+s ago", dead_line(lab, path)[0])


# ---- who said goodbye ----

def test_who_said_goodbye_is_not_dead(lab):
    """It cannot be asked, and is no half-open peer: it does not widen the interval of those that can."""
    pairs = [lab.connect(port=7001) for _ in range(8)]
    cut(lab, pairs[:2])
    for gateway, device in pairs[4:]:
        device.shutdown(socket.SHUT_WR)
        wait_until(lambda sock=gateway: tcp_info(sock)["state"] == 8, 20, "CLOSE_WAIT")
    _, summary, path = probe(lab, here(lab))
    assert summary["unknown"] == 4
    assert counted(lab, path)["total"]["estimated_dead"] == exactly(2, 8)


# ---- gauges ----

def test_gauges_of_many_groups(lab):
    """A sample of a fifth of 20 ports' sockets leaves some ports out: they have a series, too, and the sum is near the
    truth; the estimate for all has its limits."""
    pairs = [lab.connect(port=7000 + port) for port in range(20) for _ in range(6)]
    cut(lab, pairs[::2])
    lines, _, path = probe(lab, "--sample", "20%", here(lab))
    found = gauges(lab, path)
    total = counted(lab, path)["total"]["estimated_dead"]
    dead = found["halfopen_sockets_estimated_dead"]
    assert len(dead) == 20 and found["halfopen_estimated_dead"] == {"": total["estimate"]}, found
    assert (found["halfopen_estimated_dead_low"], found["halfopen_estimated_dead_high"]) == (
        {"": total["low"]}, {"": total["high"]}), found
    assert sum(found["halfopen_sockets_judged"].values()) == len(lines) == 24
    share = sum(l["result"] == "unanswered" for l in lines) / len(lines)
    for group, n in dead.items():
        if not found["halfopen_sockets_judged"][group]:
            assert abs(n - 6 * share) < 1e-6, (group, n)
    # 60 are; a port of whose six sockets one was asked has 0 or 6: the sum's standard error is about 10
    assert abs(sum(dead.values()) - 60) < 58 and total["low"] <= total["estimate"] <= total["high"]
    _, text = dead_line(lab, path)
    cells = {line.split()[1]: line.split()[-2] for line in text.splitlines() if re.match(r"\S+ +70\d\d ", line)}
    judged = {group.split(":")[-1]: n for group, n in found["halfopen_sockets_judged"].items()}
    assert len(cells) == 20 and all((cells[port] == "?") == (n == 0) for port, n in judged.items()), text
    assert all(cells[port] in ("0-5", "1-6") for port, n in judged.items() if n == 1), text


def test_gauges_do_not_come_and_go(lab):
    """Whoever is drawn: the same groups."""
    for port in range(10):
        lab.connect(port=7000 + port)
    series = [set(gauges(lab, probe(lab, "--sample", "30%", here(lab))[2])["halfopen_sockets_estimated_dead"])
              for _ in range(3)]
    assert series[0] == series[1] == series[2] and len(series[0]) == 10
