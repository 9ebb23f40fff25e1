# SPDX-License-Identifier: GPL-2.0
"""halfopen sockets with fewer capabilities than root has: what it cannot know it neither denies nor makes up."""
import json
import re
import socket
import subprocess

import pytest

import schema
from lab import HALFOPEN, Lab, cookie, inside, keepalive, run

ONLY_BPF = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all,+bpf,+perfmon",
            "--ambient-caps=-all,+bpf,+perfmon"]
NO_NET_ADMIN = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def sockets(wrapper, *arguments):
    return subprocess.run([*wrapper, HALFOPEN, "sockets", *arguments], capture_output=True, text=True, timeout=60)


def check(wrapper, terms, matching):
    r = sockets(wrapper, "--check", terms, matching)
    return r.returncode, r.stdout.splitlines(), r.stderr


def one_that_lost_its_address(lab):
    lab.gateway.ip("addr", "add", "10.77.0.9/16", "dev", "veth0")
    gone, _ = lab.connect(address="10.77.0.9")
    keepalive(gone, 7200, 75, 9)
    lab.gateway.ip("addr", "del", "10.77.0.9/16", "dev", "veth0")
    assert "local 10.77.0.9 " not in run("ip", "-n", lab.gateway.name, "route", "show", "table", "local").stdout
    return gone


def test_an_address_where_its_namespace_cannot_be_entered(lab):
    """By ip(8) it is gone: 'unknown', and 1; nor is a limit that it cannot pass in doubt, nor what rows tell."""
    one_that_lost_its_address(lab)
    here = f"netns = {lab.gateway.inode} and sport = :7000"
    code, lines, said = check(ONLY_BPF, "address_gone>0,conntrack>0", here)
    assert code == 1, (lines, said)
    assert lines == ["unknown address_gone 0 to 1, limit > 0", "unknown conntrack 0 to 1, limit > 0"]
    assert "CAP_SYS_ADMIN" in said and "address_gone" in said and "(fault conntrack)" in said, said
    assert check(ONLY_BPF, "address_gone<1", here)[:2] == (1, ["unknown address_gone 0 to 1, limit < 1"])
    assert check(ONLY_BPF, "address_gone>1", here)[:2] == (0, ["ok address_gone 0 <= 1"])
    assert check(ONLY_BPF, "suspect>0,never>0", here)[:2] == (0, ["ok suspect 0 <= 0", "ok never 0 <= 0"])
    code, lines, _ = check(ONLY_BPF, "address_gone>0,sockets>0", here)
    assert code == 3 and lines[:2] == ["unknown address_gone 0 to 1, limit > 0", "FOUND sockets 1 > 0"], lines
    code, lines, said = check([], "address_gone>0,conntrack>0", here)
    assert code == 3 and lines[:2] == ["FOUND address_gone 1 > 0", "ok conntrack 0 <= 0"], lines
    assert "not known" not in said


def test_counts_where_its_namespace_cannot_be_entered(lab, tmp_path):
    """Who was accepted is not told as made from here; the namespace has the name that ip-netns(8) gave it."""
    gone = one_that_lost_its_address(lab)
    with inside(lab.device.path):
        server = lab.keep(socket.create_server(("10.77.0.2", 7100)))
    with inside(lab.gateway.path):
        lab.keep(socket.create_connection(("10.77.0.2", 7100)))
    lab.keep(server.accept()[0])
    here = f"netns = {lab.gateway.inode}"
    assert lab.gateway.name in run("ip", "netns", "list").stdout
    rows = [l.split() for l in sockets(ONLY_BPF, "--summary", here).stdout.splitlines() if lab.gateway.name in l]
    assert [row[1:4] for row in rows] == [["?", lab.gateway.name, "2"]], rows
    rows = [l.split() for l in sockets([], "--summary", here).stdout.splitlines() if lab.gateway.name in l and
            not l.startswith("to mend")]
    assert sorted(row[1] for row in rows) == ["7000", "out"], rows
    line = json.loads(sockets(ONLY_BPF, "--summary", "--json", here).stdout)
    assert not list(schema.validator("summary").iter_errors(line)), line
    assert line["total"]["to_mend_unknown"] == {"address_gone": 2, "conntrack": 1}, line
    assert [(g["port"], g["netns"]["name"]) for g in line["groups"]] == [(None, lab.gateway.name)], line
    line = json.loads(sockets([], "--summary", "--json", here).stdout)
    assert "to_mend_unknown" not in line["total"] and line["total"]["to_mend"]["address_gone"] == 1, line
    tmp_path.chmod(0o777)
    for directory in tmp_path.parents:
        if str(directory).startswith("/tmp/"):
            directory.chmod(directory.stat().st_mode | 0o011)
    prom = tmp_path / "halfopen.prom"
    assert sockets(ONLY_BPF, "--prom", str(prom), here).returncode == 0
    text = prom.read_text()
    assert re.search(r'^halfopen_sockets_to_mend_unknown\{group="[^"]*:unknown",fault="address_gone"\} 2$', text,
                     re.MULTILINE), text
    assert ":out" not in text
    lines = [json.loads(line) for line in sockets(ONLY_BPF, "--json", here).stdout.splitlines()]
    assert len(lines) == 2 and not [e for l in lines for e in schema.validator("socket").iter_errors(l)], lines
    assert {l["socket"]["netns"].get("name") for l in lines} == {lab.gateway.name}
    assert {l["socket"]["cookie"]: l["to_mend_unknown"] for l in lines if l["keepalive"]["enabled"]} == {
        cookie(gone): ["address_gone", "conntrack"]}, lines
    assert "to_mend_unknown" not in sockets([], "--json", here).stdout


def test_connection_tracking_that_may_not_be_asked(lab):
    """Without CAP_NET_ADMIN ctnetlink refuses; by conntrack(8), which has it, the entry ends sooner than it is probed."""
    lab.gateway.nft("table inet track {\n chain in { type filter hook input priority 0; ct state new accept; }\n}\n")
    with inside(lab.gateway.path), open("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", "w") as f:
        f.write("600")
    late, _ = lab.connect()
    keepalive(late, 7200, 75, 9)
    in_time, _ = lab.connect(port=7001)
    keepalive(in_time, 300, 75, 9)
    entries = run("ip", "netns", "exec", lab.gateway.name, "conntrack", "-L", "-p", "tcp").stdout
    assert "dport=7000 " in entries and "dport=7001 " in entries, entries
    here = f"netns = {lab.gateway.inode}"
    code, lines, said = check(NO_NET_ADMIN, "conntrack>0,address_gone>0", here)
    assert code == 1 and lines == ["unknown conntrack 0 to 1, limit > 0", "ok address_gone 0 <= 0"], (lines, said)
    assert "CAP_NET_ADMIN" in said and "of 1 connection," in said, said
    code, lines, said = check([], "conntrack>0", here)
    assert code == 3 and lines[0] == "FOUND conntrack 1 > 0" and "not known" not in said, (lines, said)
    assert cookie(late) in sockets([], "--json", here, "--check", "conntrack>0").stdout
