# SPDX-License-Identifier: GPL-2.0
"""A while of everything at once: connections that come and go, cuts, namespaces that are born and
die, sysctls that are loaded anew, a wall clock that is stepped (the watch's own, by libfaketime: the
host's is others'), a bounded recording. Memory and descriptors stay where they were. HALFOPEN_SOAK
sets the seconds (default 60, the short form); an hour is for a person to start."""
import collections
import glob
import itertools
import json
import os
import random
import socket
import statistics
import time

import pytest

from lab import Lab, Namespace, cookie, inside, keepalive, run, was_unseen
from test_losses import churn

# Its load would be seen by other tests at the same time.
pytestmark = pytest.mark.alone

SECONDS = int(os.environ.get("HALFOPEN_SOAK", "60"))
FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next(l for l in f if l.startswith("VmRSS")).split()[1])


def set_clock(path, seconds):
    """Seconds by which the watch's wall clock is off."""
    with open(path + ".new", "w") as f:
        f.write(f"{seconds:+d}")
    os.rename(path + ".new", path)


def dial(lab, listener, device_port=0):
    with inside(lab.device.path):
        device = socket.create_connection(("10.77.0.1", listener.getsockname()[1]),
                                          source_address=("", device_port) if device_port else None)
    return listener.accept()[0], device


def test_nothing_grows():
    rng = random.Random(11)
    with Lab() as lab:
        clock = lab.path("clock")
        set_clock(clock, 0)
        assert FAKETIME, "libfaketime is missing: scripts/setup test installs it"
        watch = lab.watch("-w", lab.path("soak.ho.zst"), "--record-max", "1MiB", "--every", "5s",
                          "--idle-gap", "1s", f"netns = {lab.gateway.inode}", wrapper=[
                              "env", f"LD_PRELOAD={FAKETIME[0]}", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                              f"FAKETIME_TIMESTAMP_FILE={clock}", "FAKETIME_NO_CACHE=1"])
        watch.validate = False      # thousands of lines, of kinds that others validate
        pid, figures, cuts, dying = watch.process.pid, [], [], []
        lab.gateway.nft("table inet soak { set cut_off { type inet_service; timeout 60s; }\n"
                        " chain enter { type filter hook input priority 0;\n"
                        "  tcp dport 7300 tcp sport @cut_off drop; }\n}\n")
        # Below the ephemeral ones, and none again while it is still cut off.
        ports = itertools.cycle(range(20000, 32000))
        standing = [dial(lab, lab.listen(port=7300), next(ports)) for _ in range(300)]
        for gateway, _ in standing:
            keepalive(gateway, 2, 1, 3)
        # What is bounded, but takes a while to fill: the ring of arrivals.
        for process in [churn(lab, 7400 + n, 35000) for n in range(2)]:
            os.waitpid(process, 0)
        start = time.monotonic()
        checked = steps = 0
        while (elapsed := time.monotonic() - start) < SECONDS:
            # Not lab.connect(): what it keeps until the end would grow, here.
            listener = lab.listen()
            for _ in range(100):
                with_payload = rng.random() < 0.5
                gateway, device = dial(lab, listener)
                if with_payload:
                    device.send(b"?")
                for s in rng.sample((gateway, device), 2):
                    s.close()
            name = Namespace(f"{lab.gateway.name}s{checked}")
            name.delete()
            if rng.random() < 0.3:
                gateway, device = standing.pop(0)
                cuts.append((elapsed, cookie(gateway)))
                run("ip", "netns", "exec", lab.gateway.name, "nft", "add element inet soak cut_off "
                    f"{{ {device.getsockname()[1]} }}")
                dying.append((time.monotonic(), gateway, device))
                standing.append(dial(lab, lab.listen(port=7300), next(ports)))
                keepalive(standing[-1][0], 2, 1, 3)
            while dying and dying[0][0] < time.monotonic() - 30:
                for s in dying.pop(0)[1:]:
                    s.close()
            for _, device in rng.sample(standing, 5):
                device.send(b"!")
            if checked % 20 == 7:
                offset = rng.randint(-4000, 4000)
                set_clock(clock, offset)
                steps += 1
            if checked % 10 == 3:
                lab.gateway.sysctl(tcp_keepalive_intvl=rng.randint(60, 90))
            checked += 1
            figures.append((elapsed, resident_kib(pid), len(os.listdir(f"/proc/{pid}/fd"))))
            time.sleep(0.2)
        assert watch.stop() == 0
        # Those that had three times the time that keepalive takes.
        settled = {key for at, key in cuts if at < SECONDS - 15}
        died = [l for l in map(json.loads, open(watch.output)) if l["schema"].endswith("timeline/1")
                and l["final"] and l["socket"]["cookie"] in settled]
        # The median: a burst takes some for a moment, and a recording that begins anew gives its
        # compressor's 2 MiB back for a moment, so that neither the highest nor the lowest say much.
        early = statistics.median(kib for at, kib, _ in figures if SECONDS / 6 < at < SECONDS / 3)
        late = statistics.median(kib for at, kib, _ in figures if at > SECONDS * 5 / 6)
        descriptors = {n for at, _, n in figures if at > SECONDS / 6}
        seen = sum("clock_step" in l for l in open(watch.output))
        print(f"{SECONDS} s, {checked * 100} connections, {len(cuts)} cuts, {steps} steps of the clock, "
              f"{seen} told: resident {early:.0f} KiB "
              f"early, {late:.0f} KiB late; descriptors {descriptors}")
        unseen = sum(was_unseen(watch, t) for t in died)
        outcomes = collections.Counter(t["outcome"] for t in died)
        print(outcomes)
        assert settled == {t["socket"]["cookie"] for t in died}
        assert set(outcomes) <= {"keepalive_timeout", "retransmit_timeout", "unknown"}
        assert unseen <= max(2, len(died) // 20)
        assert steps and steps - 2 <= seen <= steps     # two within a second are one
        assert late <= early * 1.03 + 512, figures[::20]
        assert max(descriptors) - min(descriptors) <= 6     # a pass holds a few for a moment
