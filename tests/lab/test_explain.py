# SPDX-License-Identifier: GPL-2.0
"""What explain says of Linux, against Linux."""
import os
import re
import subprocess

import pytest

from lab import HALFOPEN, Lab, cookie, keepalive


def explain(*specs):
    r = subprocess.run([HALFOPEN, "explain", *specs], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return r.stdout


@pytest.mark.parametrize("idle,interval,probes,user_timeout_ms", [(2, 1, 3, 0), (1, 2, 2, 0),
                                                                 (2, 1, 9, 3500)])
def test_linux_notices_as_explained(idle, interval, probes, user_timeout_ms):
    spec = f"linux:{idle}/{interval}/{probes}"
    if user_timeout_ms:
        spec += f"/user_timeout={user_timeout_ms / 1000}"
    within = float(re.search(r"device is gone within ([\d.]+)s of", explain(spec)).group(1))
    with Lab() as lab:
        watch = lab.watch()
        gateway, _ = lab.connect()
        keepalive(gateway, idle, interval, probes, user_timeout_ms)
        lab.gateway.drop("input", "tcp dport 7000")
        took = watch.ending(cookie(gateway))["half_open"]["latency_ms"]["max"] / 1000
    print(f"{spec}: explained {within} s, took {took:.3f} s")
    # Timers are late by an eighth at most, never early; a first probe that no answer went before
    # comes after the idle time, even if the interval is longer.
    assert within - max(0, interval - idle) <= took + 0.01 <= within * 1.13 + 0.1


def test_the_numbers_of_the_documents():
    said = explain("linux:7200/75/9", "wizfi210:600", "astra:ping=540,timeout=30", "nat=900")
    for words in ("within 2h11m15s (7875 s)", "within 10m (600 s)", "within 9m30s (570 s)",
                  "kept open by the astra PING, which makes something pass every 9m (540 s)"):
        assert words in said, said
    said = explain("linux", "nat=900")
    assert "for up to 1h56m15s (6975 s) longer" in said, said


def test_what_cannot_be_explained():
    r = subprocess.run([HALFOPEN, "explain", "vms:1/2/3"], capture_output=True, text=True)
    assert r.returncode == 2 and "'vms:1/2/3': expected linux" in r.stderr


def test_documented_timers_by_name():
    """Each that a page of the documents has is known, and the other way round."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "TIMERS.md")
    with open(path) as f:
        documented = dict(re.findall(r"^\| `(nat|platform)=([a-z0-9-]+)` \|", l)[0][::-1]
                          for l in f if l.startswith("| `"))
    for kind in ("nat", "platform"):
        r = subprocess.run([HALFOPEN, "explain", "linux", f"{kind}=?"], capture_output=True, text=True)
        assert r.returncode == 2
        listed = re.search(r"one of ([a-z0-9 -]+)", r.stderr).group(1).split()
        assert sorted(listed) == sorted(n for n, k in documented.items() if k == kind)
    said = explain("linux:240/20/5", "nat=aws-nlb")
    assert "forgets after 5m50s (350 s)" in said and "kept open by the linux keepalive" in said
    assert "it answers probes itself" in explain("linux", "nat=cloudflare-gateway")
    assert "no data for 30m (1800 s)" in explain("linux", "platform=traccar")
    assert "no data for 1m30s (90 s)" in explain("linux", "mqtt=60")


def test_probes_that_get_lost():
    said = explain("linux:190/75/9", "nat=azure-lb")
    assert "a single lost probe and it is forgotten: the next comes 75 s later" in said
    assert "no more than 4 probes in a row are lost" in explain("linux:120/24/9", "nat=240")


@pytest.mark.parametrize("spec,dies", [("linux:15/15/9/user_timeout=20", True), ("linux:60/10/1", True),
                                       ("linux:60/10/3", False), ("linux:15/15/9/user_timeout=50", False)])
def test_a_single_lost_probe_kills(spec, dies):
    assert ("a single lost probe ends it" in explain(spec)) == dies


def test_linux_dies_of_a_single_lost_probe():
    """The same with a real kernel: the first probe alone is dropped, the device answers all the rest."""
    assert "a single lost probe ends it" in explain("linux:2/2/9/user_timeout=3")
    with Lab() as lab:
        watch = lab.watch()
        gateway, device = lab.connect()
        keepalive(gateway, 2, 2, 9, 3000)
        lab.device.nft("table inet once {\n chain in { type filter hook input priority 0;\n"
                       "  tcp sport 7000 limit rate 1/day burst 1 packets drop; }\n}\n")
        ended = watch.ending(cookie(gateway))
    assert ended["outcome"] == "user_timeout" and ended["counts"]["probes_sent"] == 1


@pytest.mark.parametrize("spec, names, others", [
    ("nat=?", {"aws-nlb": 350, "azure-lb": 240, "gcp": 600, "linux-conntrack": 432000}, ["traccar"]),
    ("platform=?", {"traccar": 1800, "thingsboard": 600}, ["aws-nlb"])])
def test_names_with_their_times(spec, names, others):
    """A list, exit 0: each name with its seconds as documented, each accepted where it is said to be."""
    r = subprocess.run([HALFOPEN, "explain", spec], capture_output=True, text=True, timeout=60)
    assert (r.returncode, r.stderr) == (0, ""), r
    told = {line.split()[0]: line.split()[1] for line in r.stdout.splitlines()}
    kind = spec.split("=")[0]
    for name, seconds in names.items():
        assert told[f"{kind}={name}"] == f"{seconds}s", told
    assert not any(name in r.stdout for name in others)
    for spec in told:
        assert explain("linux", spec)
