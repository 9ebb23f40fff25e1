# SPDX-License-Identifier: GPL-2.0
"""What advise prints to be pasted is pasted: into a shell that stands in a namespace of the test's own,
whatever the namespaces of the timelines are called. sysctl tells what changed, and where."""
import json
import os
import subprocess

import pytest

import schema
from lab import HALFOPEN, Lab, inside
from test_addresses import Tenant, address, netns_cookie
from days import at

UNTOUCHED = (7200, 75, 9)


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def values(path):
    with inside(path):
        return tuple(int(open(f"/proc/sys/net/ipv4/tcp_keepalive_{k}").read())
                     for k in ("time", "intvl", "probes"))


def day(*places, gateway="gw", boot="b0", run="r0", since=0, sockets=20, first_cookie=1):
    """Lines of timelines in which each namespace (a "netns" of JSON) needs other values."""
    head = {"gateway": gateway, "boot_id": boot, "run_id": run}
    lines = [{**head, "schema": "halfopen.meta/1", "started_at": at(since), "all": True, "hz": 250,
              "sysctl": [{"netns": p, "idle_s": 7200, "interval_s": 75, "probes": 9}
                         for p in places]}]
    for n in range(sockets * len(places)):
        lines.append({
            **head, "schema": "halfopen.timeline/1", "revision": 1, "final": True, "partial": False,
            "outcome": "closed_by_peer",
            "socket": {"cookie": str(first_cookie + n), "netns": places[n % len(places)],
                       "local": {"address": "192.0.2.1", "port": 1883},
                       "peer": {"address": f"203.0.113.{n % 250}", "port": 5000 + n}},
            "keepalive": {"enabled": True, "idle_s": 7200, "interval_s": 75, "probes": 9,
                          "user_timeout_ms": 0, "from": dict.fromkeys(
                              ("idle", "interval", "probes"), "sysctl")},
            "first_seen_at": at(since), "last_heard_at": at(since + 18000),
            "ended_at": at(since + 18000), "counts": {}})
    return lines


def advise(lab, *days, form="--json"):
    path = lab.path("day.jsonl")
    with open(path, "w") as f:
        f.writelines(json.dumps(l) + "\n" for d in days for l in d)
    r = subprocess.run([HALFOPEN, "advise", "--detect-within", "5m", *([form] if form else []), path],
                       capture_output=True, text=True)
    assert r.returncode == 3, r
    if form != "--json":
        return r.stdout
    advice = [json.loads(l) for l in r.stdout.splitlines()]
    for line in advice:
        assert not list(schema.validator("advice").iter_errors(line))
    return [l for l in advice if l["scope"]["kind"] == "namespace"]


def paste(lab, command):
    """Where somebody stands who is in the device's namespace, and answers yes."""
    functions = f"""halfopen() {{ verb=$1; shift; yes=; [ "$verb" = apply ] && yes=--yes
        "{HALFOPEN}" "$verb" "$@" --state "{lab.path("state")}" $yes; }}"""
    return subprocess.run(["nsenter", f"--net={lab.device.path}", "sh", "-c",
                           f"{functions}\n{command}"], capture_output=True, text=True, timeout=60,
                          cwd=lab.directory)


def netns_of(path, **more):
    return {"inode": os.stat(path).st_ino, "cookie": str(netns_cookie(path)), **more}


# What a line of JSON may call a namespace; none of it is a name of `ip netns` as we take them.
HOSTILE = ["pod-7; touch x #", "pod-7\ntouch x", "$(touch x)", "`touch x`", "pod'7", 'pod"7', "-x",
           "--all", "1234", "4026531840", ".", "../x", "a b", "caf\u00e9", "\x1b[2J", "\u009b31m",
           "\u202efdp", "x" * 64, "inode:1,cookie:2", "a&b", "*", ""]


def test_no_name_becomes_a_command(lab):
    here = address(lab.gateway.path)
    do = f"halfopen apply --idle 207 --interval 15 --probes 5 --netns {here} --trial 1h"
    undo = f"halfopen revert --netns {here}"
    for name in HOSTILE:
        lines = day(netns_of(lab.gateway.path, name=name, host_name=name))
        advice, = advise(lab, lines)
        assert (advice["scope"]["netns"], advice["commands"], advice["undo"]) == (here, [do], undo)
        text = advise(lab, lines, form=None)
        assert f"  do: {do}\n  undo: {undo}\n" in text, name
        assert text.replace("\n", "").isprintable(), name
        before = set(os.listdir(lab.directory))
        r = paste(lab, advice["commands"][0].replace(" --trial 1h", ""))
        assert r.returncode == 0, (name, r)
        assert values(lab.gateway.path) == (207, 15, 5) and values(lab.device.path) == UNTOUCHED
        r = paste(lab, advice["undo"])
        assert r.returncode == 0, (name, r)
        assert values(lab.gateway.path) == values(lab.device.path) == UNTOUCHED
        assert set(os.listdir(lab.directory)) - before <= {"state"}, name


def test_each_command_changes_its_namespace_alone(lab):
    """By name, by cookie, and with what every host has; whoever else is told of stays as he is."""
    tenant = Tenant(lab, lab.gateway.name.encode())
    places = [netns_of(lab.gateway.path, name=lab.gateway.name),
              netns_of(tenant.path, host_name=lab.gateway.name)]
    paths = [lab.gateway.path, tenant.path]
    advice = {a["scope"]["inode"]: a for a in advise(lab, day(*places))}
    assert advice[places[0]["inode"]]["scope"]["netns"] == lab.gateway.name
    assert f"--netns {lab.gateway.name} " in advice[places[0]["inode"]]["commands"][0]
    assert len(advice[places[0]["inode"]]["commands"]) == 2
    for n, place in enumerate(places):
        for command in advice[place["inode"]]["commands"]:
            r = paste(lab, command.replace(" --trial 1h", ""))
            assert r.returncode == 0, r
            assert values(paths[n]) == (207, 15, 5), command
            assert values(paths[1 - n]) == values(lab.device.path) == UNTOUCHED, command
            if command.startswith("halfopen"):
                r = paste(lab, advice[place["inode"]]["undo"])
                assert r.returncode == 0, r
            else:
                lab.gateway.sysctl(**{f"tcp_keepalive_{k}": v for k, v in zip(
                    ("time", "intvl", "probes"), UNTOUCHED)})
            assert values(paths[n]) == UNTOUCHED


@pytest.mark.parametrize("container", [None, "/kubepods/pod1/c", "/docker/c"])
def test_what_addresses_nothing_is_not_printed(lab, container):
    """An inode alone is given to the next namespace; nothing that is printed changes who pastes it."""
    lines = day({"inode": os.stat(lab.gateway.path).st_ino})
    for line in lines[1:]:
        if container:
            line["socket"]["owner"] = {"pid": 1, "comm": "x", "cgroup": container,
                                       "container_id": "c" * 64}
    advice, = advise(lab, lines)
    assert "inode alone" in advice["commands_missing"] and "undo" not in advice
    assert "  nothing to paste: " in advise(lab, lines, form=None)
    assert len(advice["commands"]) == (1 if container else 0)
    for command in advice["commands"]:
        assert paste(lab, command).returncode == 0
        assert values(lab.gateway.path) == values(lab.device.path) == UNTOUCHED


def test_who_has_a_name_now(lab):
    """A name that went from one namespace to the next addresses the latter; without cookies nobody
    knows whose it is; and a boot that is over took all with it."""
    def told(*days):
        return [(a["scope"]["inode"], a["scope"]["netns"], a.get("commands_missing", "")[:12])
                for a in advise(lab, *days)]
    first, second = ({"inode": n, "cookie": str(n), "name": "pod-7"} for n in (11, 12))
    assert told(day(first), day(second, since=20000, first_cookie=500)) == [
        (11, "inode:11,cookie:11", ""), (12, "pod-7", "")]
    first, second = ({"inode": n, "name": "pod-7"} for n in (11, 12))
    assert told(day(first)) == [(11, "pod-7", "")]
    modern = day(first)     # where a name of `ip netns` has a cookie: this one was a host name
    modern[0]["kernel"] = "6.1.0-13-amd64"
    assert told(modern) == [(11, "11", "the input te")]
    assert told(day(first, second)) == [(11, "11", "several name"), (12, "12", "several name")]
    same = {"inode": 11, "cookie": "11", "name": "pod-7"}
    assert told(day(same), day(same, boot="b1", since=40000)) == [
        (11, "inode:11,cookie:11", "the gateway "), (11, "pod-7", "")]
    # of two gateways at a time neither was booted since
    assert [n for _, _, n in told(day(same), day(same, boot="b1", since=100))] == ["", ""]


def counts(lab, *days):
    return [(a["scope"]["gateway"], a["scope"]["netns"], a["evidence"]["sockets"])
            for a in advise(lab, *days)]


def test_whose_evidence_it_is(lab):
    """Run, inode and cookie tell namespaces apart; two runs of one boot see the same one."""
    host = {"inode": 4026531840, "cookie": "1"}
    stranger = {"inode": 4026533000, "cookie": "70", "name": "4026531840",
                "host_name": "inode:4026531840,cookie:1"}
    assert counts(lab, day(host), day(stranger, sockets=300, first_cookie=500)) == [
        ("gw", "inode:4026531840,cookie:1", 20), ("gw", "inode:4026533000,cookie:70", 300)]
    assert counts(lab, day(host), day(host, run="r1", first_cookie=500)) == [
        ("gw", "inode:4026531840,cookie:1", 40)]
    assert counts(lab, day(host), day(host, gateway="gw2", boot="b2")) == [
        ("gw", "inode:4026531840,cookie:1", 20), ("gw2", "inode:4026531840,cookie:1", 20)]
    # of before cookies: an inode of another run may be another namespace
    old = {"inode": 4026531840}
    assert counts(lab, day(old), day(old, run="r1", first_cookie=500),
                  day({"inode": 4026533000, "name": "4026531840"}, first_cookie=900)) == [
        ("gw", "4026531840", 20), ("gw", "4026531840", 20), ("gw", "4026533000", 20)]


def test_a_strangers_sockets_are_his_own(lab):
    """A real one, of another user, whose host name is the gateway's inode, and one with its name."""
    tenants = [Tenant(lab, str(lab.gateway.inode).encode()), Tenant(lab, lab.gateway.name.encode())]
    sockets = [lab.connect() for _ in range(3)]
    path = lab.path("told.jsonl")
    r = subprocess.run([HALFOPEN, "watch", "--json", "--all", "--for", "3s", "-o", path,
                        f"netns = {lab.gateway.inode} or netns = {tenants[0].inode} or "
                        f"netns = {tenants[1].inode}"], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    r = subprocess.run([HALFOPEN, "advise", "--json", path], capture_output=True, text=True)
    told = {l["scope"]["netns"]: l["evidence"]["sockets"] for l in map(json.loads, r.stdout.splitlines())
            if l["scope"]["kind"] == "namespace"}
    assert told == {lab.gateway.name: len(sockets), address(tenants[0].path): 2,
                    address(tenants[1].path): 2}, r


def test_a_hostile_cookie_is_bad_input(lab):
    lines = day({"inode": 1, "cookie": "1; touch x"})
    path = lab.path("day.jsonl")
    with open(path, "w") as f:
        f.writelines(json.dumps(l) + "\n" for l in lines)
    r = subprocess.run([HALFOPEN, "advise", path], capture_output=True, text=True)
    assert r.returncode == 2 and "line 1: netns.cookie: expected a string of digits" in r.stderr, r


@pytest.mark.parametrize("named", [True, False], ids=["by name", "by cookie"])
def test_doctor_prints_the_way_back(lab, named):
    """Of what was applied, where it is kept by default."""
    path = lab.gateway.path if named else Tenant(lab, b"x").path
    there = lab.gateway.name if named else address(path)
    script = f"""set -e; mount -t tmpfs none /var/lib; halfopen() {{ "{HALFOPEN}" "$@"; }}
        halfopen apply --netns {path} --idle 120 --yes >&2
        undo=$(halfopen doctor | sed -n "s/.*do: '\\(halfopen revert [^']*\\)' takes it back$/\\1/p")
        echo "$undo"; eval "$undo" """
    r = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=120)
    assert r.returncode == 0 and r.stdout.splitlines()[0] == f"halfopen revert --netns {there}", r
    assert "120 -> 7200" in r.stdout and values(path) == UNTOUCHED
