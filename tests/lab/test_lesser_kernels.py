# SPDX-License-Identifier: GPL-2.0
"""Kernels that lack something, made from this one: what is missing there is hidden here, in the
type information or in /proc, so that the other way is taken. The kernels themselves are booted
by tests/vm."""
import json
import signal
import subprocess

import pytest

from lab import HALFOPEN, Lab, keepalive, wait_until
from lesser_kernel import instead_of, without


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def run_watch(wrapper, *options):
    return subprocess.run([*wrapper, HALFOPEN, "watch", "--json", "--for", "1s", *options],
                          capture_output=True, text=True, timeout=60)


def test_without_btf():
    r = run_watch(instead_of("/sys/kernel/btf/vmlinux", "/dev/null"))
    assert r.returncode == 1
    assert "CONFIG_DEBUG_INFO_BTF" in r.stderr


@pytest.mark.parametrize("hook, code", [("inet_sk_error_report", 0), ("tcp_send_reset", 0),
                                        ("timer_expire_exit", 0), ("tcp_probe", 1)])
def test_without_a_tracepoint(lab, hook, code):
    """What is worth something without it goes on and says what is lost; the rest ends."""
    r = run_watch(without(lab, "btf_trace_" + hook))
    assert r.returncode == code, r.stderr
    assert f"this kernel has no tracepoint {hook}" in r.stderr
    if code == 0:
        assert hook not in json.loads(r.stdout.splitlines()[0])["attach"]


CAST, COOKIE, SOCKET = "bpf_rdonly_cast", "bpf_get_socket_ptr_cookie", "bpf_sock_from_file"
NAME = "bpf_snprintf"       # before 5.13 user space looks for the timer's name in kallsyms


@pytest.mark.parametrize("missing, attached", [
    ([CAST], {"tcp_probe_skc", "timer_expire_entry_read", "timer_expire_exit_read"}),
    ([COOKIE], {"tcp_probe_cast", "give_cookie"}),
    ([SOCKET], {"tcp_probe_cast", "timer_expire_exit_cast"}),
    ([CAST, COOKIE, SOCKET, NAME], {"tcp_probe_skc", "timer_expire_exit_read", "give_cookie"}),
], ids=["6.1", "5.11", "5.10 with cookies", "5.10"])
def test_without_helpers(lab, missing, attached):
    """One connection from before the watch and one from under it, neither of which anybody asked
    for its cookie; both are probed, answered and owned."""
    before, _ = lab.connect()
    keepalive(before, 1, 1, 3)
    watch = lab.watch("--events", "--all", wrapper=without(lab, *missing))
    after, _ = lab.connect()
    keepalive(after, 1, 1, 3)
    meta = watch.lines()[0]
    assert attached <= set(meta["attach"])
    assert ("give_cookie" in meta["attach"]) == (COOKIE in missing)

    def told(sock, *names):
        peer = sock.getpeername()[1]
        return {l["event"] for l in watch.lines("event") if l["socket"]["peer"]["port"] == peer
                and l["socket"]["netns"]["inode"] == lab.gateway.inode} >= set(names)
    wait_until(lambda: told(before, "probe_sent", "answered"), 10, "probes of the first")
    wait_until(lambda: told(after, "established", "probe_sent", "answered"), 10,
               "probes of the second")
    watch.stop()
    owners = {l["socket"]["peer"]["port"]: l["socket"].get("owner", {}).get("comm")
              for l in watch.lines("timeline")
              if l["socket"]["netns"]["inode"] == lab.gateway.inode}
    comm = open("/proc/self/comm").read().strip()
    assert owners == {before.getpeername()[1]: comm, after.getpeername()[1]: comm}


def with_kallsyms_of(lab):
    return without(lab, NAME) + instead_of("/proc/kallsyms", lab.path("kallsyms"))


def test_the_timers_name_comes_from_the_kernel(lab):
    """It is what kallsyms has, which takes long to read: that is done only where it is needed."""
    trace = lab.path("trace")
    r = run_watch(["strace", "-f", "-o", trace, "-e", "trace=openat"], "-v")
    assert r.returncode == 0 and "function confirmed by kallsyms" in r.stderr
    opened = open(trace).read()
    assert "/sys/kernel/btf/vmlinux" in opened and "/proc/kallsyms" not in opened


@pytest.mark.parametrize("kallsyms", ["", "0000000000000000 t tcp_keepalive_timer\n",
                                      "ffffffff81234560 t tcp_keepalive_timer.llvm.123\n"],
                         ids=["absent", "hidden", "renamed"])
def test_without_the_timers_address(lab, kallsyms):
    """It is learned from a socket of our own; kallsyms only confirms it."""
    with open(lab.path("kallsyms"), "w") as f:
        f.write(kallsyms)
    watch = lab.watch("--events", "-v", wrapper=with_kallsyms_of(lab))
    gateway, _ = lab.connect()
    keepalive(gateway, 1, 1, 3)
    wait_until(lambda: [l for l in watch.lines("event") if l["event"] == "probe_sent" and
                        l["socket"]["netns"]["inode"] == lab.gateway.inode], 10, "a probe")
    assert watch.stop(signal.SIGINT) == 0
    assert "not in kallsyms" in watch.stderr()


def test_where_kallsyms_disagrees(lab):
    """A kernel whose sockets we misread is not watched."""
    with open(lab.path("kallsyms"), "w") as f:
        f.write("ffffffff81234560 t tcp_keepalive_timer\n")
    r = run_watch(with_kallsyms_of(lab))
    assert r.returncode == 1 and "laid out in a way that we do not know" in r.stderr
