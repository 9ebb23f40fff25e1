# SPDX-License-Identifier: GPL-2.0
"""Data that is never acknowledged while a router says why: whatever ICMP says, the end is
`unreachable`, and its detail is what SO_ERROR gives the program."""
import errno
import socket

import pytest

from ends import FAMILIES, Text, error_of, says_gone
from lab import TCP_USER_TIMEOUT, Lab, cookie, inside, wait_until
from router import Router

# What nft can reject with; who says nothing else than a number is forged below.
REJECTS = {
    socket.AF_INET: ["port-unreachable", "host-unreachable", "net-unreachable", "prot-unreachable",
                     "admin-prohibited", "host-prohibited", "net-prohibited"],
    socket.AF_INET6: ["port-unreachable", "addr-unreachable", "no-route", "admin-prohibited",
                      "policy-fail", "reject-route"],
}
# (type, code) that nft has no word for, as Linux' icmp_err_convert() and its sibling know them.
FORGED = {
    socket.AF_INET: {"network unknown": (3, 6), "host unknown": (3, 7), "host isolated": (3, 8),
                     "time exceeded": (11, 0), "parameter problem": (12, 0)},
    socket.AF_INET6: {"beyond scope": (1, 2), "time exceeded": (3, 0), "parameter problem": (4, 0)},
}


KINDS = [(family, kind) for family in REJECTS for kind in [*REJECTS[family], *FORGED[family]]]


@pytest.fixture(scope="module")
def rejected():
    """All kinds at once, a port for each: (timelines, errors that the program got, lines of text)."""
    with Lab() as lab:
        lab.gateway.sysctl(tcp_retries2=3)
        lab.device.sysctl(icmp_ratelimit=0)
        with inside(lab.device.path), open("/proc/sys/net/ipv6/icmp/ratelimit", "w") as f:
            f.write("0")
        watch, text = lab.watch(), Text(lab)
        sockets, rules, answers = {}, "", {}
        for number, (family, kind) in enumerate(KINDS):
            port = 7000 + number
            gateway, device = lab.connect(family, port)
            sockets[family, kind] = gateway, cookie(gateway), device.getsockname()[1]
            if kind in FORGED[family]:
                answers[family, port] = FORGED[family][kind]
                rules += f"  tcp sport {port} drop\n"
            else:
                protocol = "icmp" if family == socket.AF_INET else "icmpv6"
                rules += f"  tcp sport {port} reject with {protocol} type {kind}\n"
        lab.device.nft("table inet router {\n chain input { type filter hook input priority 0;\n"
                       + rules + " }\n}\n")
        router = Router(lab, answers)
        for gateway, _, _ in sockets.values():
            gateway.send(b"unlock")
        errors = {which: error_of(gateway, 60) for which, (gateway, _, _) in sockets.items()}
        told = {which: watch.ending(key) for which, (_, key, _) in sockets.items()}
        lines = {which: text.line(port, told[which]["outcome"]) for which, (_, _, port) in sockets.items()}
        assert router.said >= len(answers)
        yield told, errors, lines


@pytest.mark.parametrize("family, kind", KINDS,
                         ids=[f"ipv{'4' if f == socket.AF_INET else '6'} {k}" for f, k in KINDS])
def test_what_a_router_says(rejected, family, kind):
    told, errors, lines = (of[family, kind] for of in rejected)
    assert errors not in (0, errno.ETIMEDOUT), "the kernel took no notice of it"
    assert (told["outcome"], told["outcome_detail"]) == ("unreachable", errno.errorcode[errors])
    assert told["half_open"]["found_by"] == "unreachable"
    assert told["episodes"][-1]["kind"] == "retransmit"
    assert told["counts"].get("sends_failed", 0) == 0
    assert says_gone(lines)


def test_that_every_errno_is_among_them(rejected):
    """The witness: SO_ERROR of each of the kernel's two tables was met."""
    met = set(rejected[1].values())
    assert {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOPROTOOPT, errno.EACCES,
            errno.EHOSTDOWN, errno.ENONET, errno.EPROTO} <= met, [errno.errorcode[e] for e in met]


@FAMILIES
def test_unreachable_under_a_user_timeout(family):
    """The user timeout ends it, and the program is told what ICMP said."""
    with Lab() as lab:
        watch = lab.watch()
        gateway, _ = lab.connect(family)
        gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 2000)
        lab.device.nft("table inet router {\n chain input { type filter hook input priority 0;\n"
                       "  tcp sport 7000 reject with icmpx type port-unreachable\n }\n}\n")
        gateway.send(b"unlock")
        assert error_of(gateway) == errno.ECONNREFUSED
        t = watch.ending(cookie(gateway))
        assert (t["outcome"], t["outcome_detail"]) == ("unreachable", "ECONNREFUSED")
        assert t["half_open"]["found_by"] == "unreachable"


@FAMILIES
def test_a_router_that_was_wrong_for_a_while(family):
    """It says so of one segment, then the path mends and the data is acknowledged; what ends the
    connection much later has nothing to do with it."""
    with Lab() as lab:
        lab.gateway.sysctl(tcp_retries2=3)
        watch = lab.watch()
        gateway, device = lab.connect(family)
        lab.device.nft("table inet router {\n chain input { type filter hook input priority 0;\n"
                       "  tcp sport 7000 reject with icmpx type port-unreachable\n }\n}\n")
        gateway.send(b"lock")
        wait_until(lambda: lab.gateway.nstat("TcpRetransSegs"), 5, "a retransmission, by nstat")
        lab.device.nft("delete table inet router")
        assert device.recv(64) == b"lock"
        gateway.send(b"again")
        assert device.recv(64) == b"again"
        lab.gateway.drop("input", "tcp dport 7000")
        gateway.send(b"unlock")
        assert error_of(gateway) == errno.ETIMEDOUT
        t = watch.ending(cookie(gateway))
        assert (t["outcome"], t["outcome_detail"]) == ("retransmit_timeout", "ETIMEDOUT")
        assert t["half_open"]["found_by"] == "retransmit"
