# SPDX-License-Identifier: GPL-2.0
"""Timelines of days that were made up, for advise."""
import datetime
import json
import random

DAY = 1790000000
BOOT, RUN = "0b0b0b0b-0000-4000-8000-000000000001", "0c0c0c0c-0000-4000-8000-00000000000"


def at(seconds):
    t = datetime.datetime.fromtimestamp(DAY + int(seconds), datetime.timezone.utc)
    return t.strftime("%Y-%m-%dT%H:%M:%S") + f".{int(seconds % 1 * 1e9):09d}Z"


def head(kind, seq, run):
    return {"schema": f"halfopen.{kind}/1", "gateway": "gw-03", "boot_id": BOOT, "run_id": f"{RUN}{run}",
            "seq": seq}


class Day:
    """Timelines of a day on a gateway whose carrier forgets connections after `timeout` seconds."""

    def __init__(self, seed=1, timeout=900, run=1, sysctl=(7200, 75, 9), all_told=True, cookie="1"):
        self.rng, self.timeout, self.run, self.sysctl = random.Random(seed), timeout, run, sysctl
        self.netns = {"inode": 4026531840, **({"cookie": cookie} if cookie else {})}
        self.lines = [{**head("meta", 0, run), "version": "0.1.0", "kernel": "6.1.0", "hz": 250,
                       "all": all_told, "attach": ["tcp_probe"], "started_at": at(0),
                       "sysctl": [{"netns": self.netns, "idle_s": sysctl[0],
                                   "interval_s": sysctl[1], "probes": sysctl[2]}]}]

    def socket(self, program="mosquitto", enabled=True, own=None, gaps=(), lost=None, found_by=None,
               latency=None, probes=0, container=None, mutes=(), peer_probes=0, heartbeats=0):
        n = len(self.lines)
        idle, interval, count = own or self.sysctl
        ended = 43200 + n
        owner = {"pid": 812, "comm": program}
        if container:
            owner["container_id"] = container
        line = {**head("timeline", n, self.run), "revision": 1, "final": bool(found_by), "socket": {
                    "cookie": str(1000 * self.run + n), "netns": self.netns, "family": "ipv4",
                    "local": {"address": "198.51.100.1", "port": 1883},
                    "peer": {"address": f"203.0.113.{n % 250 + 1}", "port": 40000 + n}, "owner": owner},
                "keepalive": {"enabled": enabled, "idle_s": idle, "interval_s": interval,
                              "probes": count, "user_timeout_ms": 0,
                              "from": dict.fromkeys(("idle", "interval", "probes"),
                                                    "socket" if own else "sysctl"),
                              "detects_within_s": None, "detects_within_max_s": None},
                "partial": False, "first_seen_at": at(n), "last_heard_at": at(ended - 1),
                "outcome": "open" if not found_by else f"{found_by}_timeout",
                "counts": {"probes_sent": probes, "probes_answered": probes, "probes_failed": 0,
                           "peer_probes": peer_probes, "retransmits": 0, "zero_window_probes": 0,
                           "heartbeats": heartbeats,
                           "events_lost": 0},
                "gaps": {"survived": [{"from_s": round(g, 3), "to_s": round(g + 0.01, 3), "count": c,
                                       "ended_by": "us"} for g, c in sorted(gaps)]},
                "episodes": [{"kind": "keepalive", "first_unanswered_at": at(100), "asks": 1,
                              "end": "recovered", "ended_at": at(100 + m)} for m in mutes],
                "events": [], "events_omitted": 0}
        if lost:
            line["gaps"]["lost"] = {"after_s": max((g for g, _ in gaps), default=0), "within_s": lost}
        if found_by:
            line["ended_at"] = at(ended)
            line["half_open"] = {"found_by": found_by, "last_heard_at": at(ended - latency),
                                 "first_unanswered_at": at(ended - latency + 2.5),
                                 "last_unanswered_at": at(ended - 1), "declared_at": at(ended),
                                 "latency_ms": {"min": None, "likely_min": None,
                                                "max": 1000 * latency}}
        if found_by == "retransmit":
            line["events"] = [{"event": "retransmit", "n": k, "at": at(ended - latency + 2.5 + s),
                               "mono_ns": "1"} for k, s in ((1, 0.5), (2, 1.1), (3, 2.3))]
        line["traffic"] = {"over_s": 43200, "received_bytes": 12000, "received_segments": 48,
                           "acked_bytes": 96, "sent_segments": 48}
        self.lines.append(line)

    def devices(self, count=120, **options):
        """Each is idle for random times; what is longer than the carrier's timer is found lost."""
        for _ in range(count):
            gaps, lost = [], None
            for _ in range(5):
                gap = round(60 * 60 ** self.rng.random(), 3)
                if gap >= self.timeout:
                    lost = gap
                    break
                gaps.append((gap, 1))
            mutes = [round(2 + 6 * self.rng.random(), 3)] if self.rng.random() < 0.2 else []
            self.socket(gaps=gaps, lost=lost, found_by="keepalive" if lost else None, mutes=mutes,
                        latency=lost and lost + self.sysctl[1] * self.sysctl[2], probes=3, **options)
        return self

    def write(self, path):
        with open(path, "w") as f:
            f.writelines(json.dumps(l) + "\n" for l in self.lines)
        return str(path)
