# SPDX-License-Identifier: GPL-2.0
"""What explain says of Linux, against Linux."""
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
