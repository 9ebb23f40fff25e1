#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What watching costs and what it stands, each against a rival in the same run:

  receive   our program on tcp_probe against an empty one on the same hook, in the same seconds
  rr        round trips a second, attached / detached, in pairs
  bulk      events that 1 GB of healthy traffic makes
  storm     N sockets that die within one interval: lost events, time until all are told
  memory    bytes a socket, with nothing to tell and with answered probes, up to N connections
  walks     what walks over all sockets take, beside hundreds of namespaces with and without some
  owners    what a walk over all processes takes, that looks for new owners, and the watch's time in it
  sockets   what `halfopen sockets` takes, over ss

bench.py [receive|rr|bulk|storm|memory|walks|owners|sockets ...]; HALFOPEN and BENCH say where the programs are. Every figure
is a ratio or a count; this machine's absolute speed is nobody's business."""
import calendar
import ctypes
import json
import os
import random
import resource
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from lab import HALFOPEN, Lab, Namespace, inside    # noqa: E402

BENCH = os.environ["BENCH"]
RR = os.path.join(BENCH, "rr")


def watching(*arguments, btf=None, output=subprocess.DEVNULL):
    """halfopen watch, once it is attached; `btf` replaces the kernel's type information."""
    path = tempfile.mktemp(prefix="halfopen-bench-")
    command = [HALFOPEN, "watch", "--json", "-o", path, *arguments]
    if btf:
        command = ["unshare", "-m", "sh", "-c",
                   'mount --bind "$0" /sys/kernel/btf/vmlinux && exec "$@"', btf, *command]
    process = subprocess.Popen(command, stderr=output)
    while process.poll() is None and not (os.path.exists(path) and os.path.getsize(path)):
        time.sleep(0.01)
    process.path = path
    return process


def end(process):
    process.send_signal(signal.SIGINT)
    process.wait()
    os.unlink(process.path)


def interval(values):
    """Median, and the order statistics that hold it with at least 95 %."""
    values = sorted(values)
    n, k, p = len(values), 0, 0.0
    comb = 1
    while True:     # the largest k with P(X < k) <= 2.5 % for X ~ Bin(n, 1/2)
        p += comb / 2 ** n
        if p > 0.025:
            break
        k += 1
        comb = comb * (n - k + 1) // k
    return statistics.median(values), values[max(k - 1, 0)], values[min(n - k, n - 1)]


def cost_of(name, btf, empty_first):
    """(ours, empty) of one second of round trips; whoever is attached first also pays for the
    cold caches, so the order matters."""
    watch = None if empty_first else watching(btf=btf)
    cost = subprocess.Popen([os.path.join(BENCH, "probe_cost"), name], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    cost.stdout.readline()
    watch = watch or watching(btf=btf)
    cost.stdin.write("go\n")
    cost.stdin.flush()
    cost.stdout.readline()
    subprocess.run([RR, "rr", "1000"], stdout=subprocess.DEVNULL, check=True)
    out, _ = cost.communicate()
    end(watch)
    figures = {l.split()[0]: l.split()[1:] for l in out.splitlines()}
    return figures[name], figures["empty"]


def bench_receive(rounds=11):
    """Nanoseconds of our receive program above the empty one, in the same seconds; each round
    is run in both orders of attaching, and the mean of the two has no order in it."""
    with open("/sys/kernel/btf/vmlinux", "rb") as f:
        btf = f.read()
    without = tempfile.NamedTemporaryFile()
    without.write(btf.replace(b"\0bpf_rdonly_cast\0", b"\0bpf_xxonly_cast\0"))
    without.flush()
    for name, replaced in (("tcp_probe_cast", None), ("tcp_probe_skc", without.name)):
        above = []
        for _ in range(rounds):
            both = [cost_of(name, replaced, order) for order in (False, True)]
            above.append(statistics.mean(float(o[1]) - float(e[1]) for o, e in both))
        median, low, high = interval(above)
        (runs, ns, instructions, size), empty = both[0]
        print(f"receive {name}: {median:+.1f} ns a run above the empty program "
              f"[{low:+.1f}, {high:+.1f}] (median and 95 % interval of {rounds} rounds; "
              f"{fast_path(name, replaced)} instructions on the way of a healthy segment, of "
              f"{instructions}, {size} bytes)", flush=True)


def fast_path(name, btf):
    """Instructions that a healthy segment runs, read from the verified program: straight on,
    past a NULL check, and out at the first comparison (heard a moment ago)."""
    watch = watching(btf=btf)
    out = subprocess.run(["bpftool", "prog", "dump", "xlated", "name", name],
                         capture_output=True, text=True,
                         env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}).stdout
    end(watch)
    code = {}
    for line in out.splitlines():
        number, _, text = line.strip().partition(": ")
        if number.isdigit():
            code[int(number)] = text
    numbers = sorted(code)
    at, count, out_of_it = 0, 1, False
    while "exit" not in code[at]:
        text, count = code[at], count + 1
        jump = "goto pc" in text and ("if" not in text or (" == 0x0" not in text and
                                                           not out_of_it))
        if jump:
            out_of_it |= "if" in text
            at += 1 + int(text.split("goto pc")[1].split()[0])
        else:
            at = numbers[numbers.index(at) + 1]
    return count


def bench_rr(pairs=15):
    """Round trips a second with the watch attached, over those without, in pairs."""
    ratios = []
    for _ in range(pairs):
        speed = {}
        for attached in random.sample([False, True], 2):
            watch = watching() if attached else None
            # Both ends on one CPU: where the scheduler puts them would drown what we look for.
            speed[attached] = float(subprocess.run(["taskset", "-c", "0", RR, "rr", "1000"],
                                                   capture_output=True, text=True,
                                                   check=True).stdout)
            if watch:
                end(watch)
        ratios.append(speed[True] / speed[False])
    median, low, high = interval(ratios)
    print(f"rr: attached / detached {median:.4f} [{low:.4f}, {high:.4f}] "
          f"(median and 95 % interval of {pairs} pairs of 1 s)")


def recorded_events(path):
    """(mono_ns, kind, local port, peer port) of each event in a recording."""
    with open(path, "rb") as f:
        data = f.read()
    at = 16
    while at + 16 <= len(data):
        size, kind = struct.unpack_from("<IH", data, at)
        if kind == 19:
            event = data[at + 16:at + size]
            mono, = struct.unpack_from("<Q", event)
            yield mono, event[16], *struct.unpack_from("<HH", event, 56)
        at += size


def bench_bulk(mib=1024):
    recording = tempfile.mktemp(prefix="halfopen-bench-")
    watch = watching("-w", recording)
    speed, begin, finish, port = subprocess.run([RR, "bulk", str(mib)], capture_output=True, text=True,
                                          check=True).stdout.split()
    time.sleep(0.5)
    end(watch)
    count = sum(int(begin) <= mono <= int(finish) and int(port) in ports
                for mono, _, *ports in recorded_events(recording))
    os.unlink(recording)
    print(f"bulk: {count} events from {mib} MiB of healthy traffic at {float(speed) / 1e9:.2f} "
          f"GB/s")


def hold(make, count, ready, armed, go):
    """A child process with `count` sockets, as a process may not have enough of them. It says
    when it has them, sets keepalive when told to, and ends when told to or with its parent."""
    pid = os.fork()
    if pid:
        return pid
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)      # PR_SET_PDEATHSIG
        sockets = [make(number) for number in range(count)]
        os.write(ready, b"r")
        if armed is not None:
            os.read(armed, 1)
            for s in sockets:
                # The idle time last: it makes the kernel probe at once, with what is set by then.
                s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        os.read(go, 1)
    finally:
        os._exit(0)


def bench_storm(connections=int(os.environ.get("STORM", "100000"))):
    """Connections whose devices all vanish at once, probed and dead within the same interval."""
    parts = -(-connections // 10000)    # a process may have 20,000 files
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    each = connections // parts
    with Lab() as lab:
        lab.gateway.sysctl(tcp_max_syn_backlog=65536)
        with inside(lab.gateway.path):
            with open("/proc/sys/net/core/somaxconn", "w") as f:
                f.write("65535")
        for part in range(parts):
            lab.device.ip("addr", "add", f"10.77.1.{part + 1}/16", "dev", "veth0")
        ready, armed, go = os.pipe(), os.pipe(), os.pipe()
        children = []
        for part in range(parts):
            with inside(lab.gateway.path):
                listener = socket.socket()
            listener.bind(("10.77.0.1", 8000 + part))
            listener.listen(65535)

            def dial(number, part=part):
                with inside(lab.device.path):
                    s = socket.socket()
                s.bind((f"10.77.1.{part + 1}", 0))
                s.connect(("10.77.0.1", 8000 + part))
                return s

            def accept(number, listener=listener):
                return listener.accept()[0]
            children.append(hold(accept, each, ready[1], armed[0], go[0]))
            children.append(hold(dial, each, ready[1], None, go[0]))
            listener.close()
        for _ in children:
            os.read(ready[0], 1)
        out = tempfile.mktemp(prefix="halfopen-bench-")
        watch = subprocess.Popen([HALFOPEN, "watch", "--json", "-o", out])
        while not os.path.exists(out) or not os.path.getsize(out):
            time.sleep(0.01)
        lab.gateway.drop("input", "tcp dport 8000-8100")
        # All have been idle for longer than 1 s by now: who switches keepalive on is probed at
        # once, and dies two intervals of 2 s later.
        os.write(armed[1], b"a" * parts)
        told, latest, deadline = 0, 0, time.monotonic() + 25
        with open(out) as f:
            while told < connections and time.monotonic() < deadline:
                time.sleep(0.1)
                for line in iter(f.readline, ""):
                    if '"outcome":"keepalive_timeout"' not in line:
                        continue
                    told += 1
                    at = line.split('"ended_at":"')[1][:19]
                    latest = max(latest, time.time() - calendar.timegm(
                        time.strptime(at, "%Y-%m-%dT%H:%M:%S")))
        with open(f"/proc/{watch.pid}/status") as f:
            peak = next(l.split()[1] for l in f if l.startswith("VmHWM"))
        watch.send_signal(signal.SIGINT)
        watch.wait()
        with open(out) as f:
            lines = [json.loads(l) for l in f]
        os.unlink(out)
        ended = [l["ended_at"] for l in lines if l.get("outcome") == "keepalive_timeout"]
        lost = {reason: sum(l["count"] for l in lines if l.get("reason") == reason)
                for reason in ("ring_full", "recursion", "unseen")}
        os.write(go[1], b"g" * len(children))
        for pid in children:
            os.waitpid(pid, 0)
        for fd in (*ready, *armed, *go):
            os.close(fd)
        seconds = [float(t[17:29]) + 60 * int(t[14:16]) for t in ended]
        asks = {l["episodes"][0]["asks"] for l in lines if l.get("outcome") == "keepalive_timeout"}
        print(f"storm: {told} of {connections} connections told dead, events lost {lost}; all died "
              f"within {max(seconds) - min(seconds):.1f} s; asks unanswered {sorted(asks)}; "
              f"resident at most {int(peak) // 1024} MiB; each told within {latest:.1f} s of its "
              f"death")


def memory(pid, key="RssAnon"):
    """Without the ring, whose pages are the kernel's."""
    with open(f"/proc/{pid}/status") as f:
        return 1024 * int(next(l.split()[1] for l in f if l.startswith(key)))


def watched(watch):
    """What a watch told, which ends here."""
    watch.send_signal(signal.SIGINT)
    watch.wait()
    with open(watch.path) as f:
        lines = [json.loads(l) for l in f]
    os.unlink(watch.path)
    return lines, {l["reason"]: l["count"] for l in lines if l["schema"] == "halfopen.loss/1"}


def bench_memory(connections=int(os.environ.get("CONNECTIONS", "240000"))):
    """Of each connection both ends are here, so there are twice as many sockets. The first step is
    larger than the ring of arrivals, whose size is bounded."""
    holders, each, points, steps = [], 9500, [], 3      # a process may have 20,000 files
    with Lab() as lab:
        watch = watching("--for", "1h", output=None)
        for step in range(1, steps + 1):
            while sum(n for n, _ in holders) < connections * step // steps:
                n = min(each, connections - sum(n for n, _ in holders))
                holder = lab.gateway.spawn(os.path.join(BENCH, "hold"), str(n), str(len(holders) + 1),
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                assert holder.stdout.readline() == "ready\n"
                holders.append((n, holder))
            time.sleep(65)      # two passes over the processes, which remember who is new
            points.append((2 * sum(n for n, _ in holders), memory(watch.pid)))
            print(f"memory: {points[-1][0]} sockets with nothing to tell: "
                  f"{points[-1][1] / 2 ** 20:.1f} MiB", flush=True)
        slope = statistics.linear_regression(*zip(*points)).slope
        print(f"memory: {slope:.1f} bytes a socket with nothing to tell, events lost "
              f"{watched(watch)[1]}", flush=True)
        watch = watching("--for", "1h", "sport = :1883", output=None)
        time.sleep(65)
        before = memory(watch.pid)
        for _, holder in holders:
            holder.stdin.write(f"60 {max(20, connections / 10000)}\n")
            holder.stdin.flush()
        for _, holder in holders:
            assert holder.stdout.readline() == "armed\n"
        time.sleep(70)
        history = (memory(watch.pid) - before) / connections
        peak = memory(watch.pid, "VmHWM") - memory(watch.pid, "RssShmem")
        print(f"memory: {slope + history:.1f} bytes a socket with answered probes and an idle gap, "
              f"at most {peak / 2 ** 20:.0f} MiB with the ring, events lost {watched(watch)[1]}")
        for _, holder in holders:
            holder.stdin.close()
        for _, holder in holders:
            holder.wait()


def seconds(function):
    start = time.monotonic()
    function()
    return time.monotonic() - start


def hold_connections(namespace, count, number):
    holder = namespace.spawn(os.path.join(BENCH, "hold"), str(count), str(number),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "ready\n"
    return holder


def walked(watch, kind, timeout=60):
    """Seconds that a kind of walk took, as told with -v."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with open(watch.said.name) as f:
            took = [float(line.split()[-2]) / 1000 for line in f if f"{kind} over all sockets took" in line]
        if took:
            return took[-1]
        time.sleep(0.1)
    raise SystemExit(f"{kind} was not made within {timeout} s")


def compare_walks(ss, rounds, what):
    """A watch beside one ss of the namespace in which most sockets are, in the same seconds."""
    first, presence, last = [], [], []
    for _ in range(rounds):
        rival = seconds(lambda: subprocess.run(ss, stdout=subprocess.DEVNULL, check=True))
        with tempfile.NamedTemporaryFile("w") as said:
            start = time.monotonic()
            watch = watching("-v", "--for", "1h", output=said)
            watch.said = said
            first.append((time.monotonic() - start) / rival)
            presence.append(walked(watch, "a walk for presence") / rival)
            end(watch)
            last.append(walked(watch, "the last walk") / rival)
    told = ["{:.2f} [{:.2f}, {:.2f}]".format(*interval(each)) for each in (first, presence, last)]
    print(f"walks: {what}: the first line after {told[0]} times what ss takes, a walk for presence "
          f"{told[1]}, the last {told[2]}", flush=True)


def bench_walks(connections=int(os.environ.get("CONNECTIONS", "150000")),
                rounds=int(os.environ.get("ROUNDS", "7"))):
    """Twice as many sockets, all in one namespace, which ss reads once; beside namespaces that are
    empty, and ones with a hundred sockets."""
    each, holders = 9500, []
    with Lab() as lab:
        for number in range(1, (connections - 1) // each + 2):
            n = min(each, connections - (number - 1) * each)
            holders.append(hold_connections(lab.gateway, n, number))
        ss = ["ip", "netns", "exec", lab.gateway.name, "ss", "-Htn"]
        others, inhabited = [], 0
        for count, filled in ((0, 0), (300, 0), (300, 50), (300, 200)):
            while len(others) < count:
                others.append(Namespace(f"{lab.gateway.name}e{len(others)}"))
                lab.cleanup.callback(others[-1].delete)
            while inhabited < filled:
                holders.append(hold_connections(others[inhabited], 50, 1))
                inhabited += 1
            compare_walks(ss, rounds, f"{2 * connections} sockets, {count - filled} namespaces "
                                      f"without any, {filled} with 100 each")
        for holder in holders:
            holder.stdin.close()
        for holder in holders:
            holder.wait()


def cpu_seconds(pid):
    """(user, system) of a process so far."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return tuple(int(t) / os.sysconf("SC_CLK_TCK") for t in fields[11:13])


def bench_owners(connections=int(os.environ.get("CONNECTIONS", "150000")),
                 rounds=int(os.environ.get("ROUNDS", "5"))):
    """Twice as many sockets, whose owners are known: a connection more makes the watch look again."""
    each, holders, took, users, systems = 9500, [], [], [], []
    with Lab() as lab, tempfile.NamedTemporaryFile("w") as said:
        for number in range(1, (connections - 1) // each + 2):
            n = min(each, connections - (number - 1) * each)
            holders.append(hold_connections(lab.gateway, n, number))

        def walks():
            with open(said.name) as f:
                return [float(l.split()[-2]) / 1000 for l in f if "a walk over all processes took" in l]
        watch = watching("-v", "--for", "1h", output=said)
        while len(took) < rounds:
            before, made = cpu_seconds(watch.pid), len(walks())
            lab.connect(port=9000 + len(took))
            while len(walks()) < made + 1:
                time.sleep(0.2)
            time.sleep(1)       # what was read has been taken
            after = cpu_seconds(watch.pid)
            took.append(walks()[made])
            users.append(after[0] - before[0])
            systems.append(after[1] - before[1])
        ss = seconds(lambda: subprocess.run(["ip", "netns", "exec", lab.gateway.name, "ss", "-Htn"],
                                            stdout=subprocess.DEVNULL, check=True))
        told = ["{:.2f} [{:.2f}, {:.2f}]".format(*interval([t / ss for t in each]))
                for each in (took, users, systems)]
        print(f"owners: {2 * connections} sockets of {len(holders)} processes: a walk over them takes "
              f"{told[0]} times what ss takes, and of the watch's time {told[1]} in user space, {told[2]} in "
              f"the kernel", flush=True)
        end(watch)
        for holder in holders:
            holder.stdin.close()
        for holder in holders:
            holder.wait()


def bench_sockets(connections=int(os.environ.get("CONNECTIONS", "150000")),
                  rounds=int(os.environ.get("ROUNDS", "7"))):
    """What `sockets` takes of a processor, over what ss does for the same sockets, with their timers or with
    their programs, and over iter/tcp with a program that only counts. Both ends of each connection are in one
    namespace, which ss and the iterator read once."""
    each, holders = 9500, []
    with Lab() as lab:
        for number in range(1, (connections - 1) // each + 2):
            n = min(each, connections - (number - 1) * each)
            holders.append(hold_connections(lab.gateway, n, number))
        there = ["ip", "netns", "exec", lab.gateway.name]
        timers, programs = [*there, "ss", "-Htno"], [*there, "ss", "-Htnop"]
        count = [*there, os.path.join(BENCH, "count_sockets")]
        prom = lab.path("sockets.prom")
        for what, ours, rival in (("--summary / ss -tno", ["--summary"], timers),
                                  ("--prom / ss -tno", ["--prom", prom], timers),
                                  ("--check / ss -tno", ["--check", "sockets<0"], timers),
                                  ("--summary / an iterator that counts", ["--summary"], count),
                                  ("-n 20 / ss -tno", ["-n", "20"], timers), ("the list / ss -tno", [], timers),
                                  ("the list / ss -tnop", [], programs),
                                  ("--json / ss -tnop", ["--json"], programs)):
            compare_sockets(f"{2 * connections} sockets, {what}", [HALFOPEN, "sockets", *ours], rival, rounds)
        for holder in holders:
            holder.stdin.close()
        for holder in holders:
            holder.wait()


def compare_sockets(what, ours, rival, rounds):
    """In pairs, of which every other one begins with the rival."""
    ratios = []
    for number in range(rounds):
        both = [ours, rival] if number % 2 else [rival, ours]
        took = {command[0]: cpu_seconds_of(command) for command in both}
        ratios.append(took[ours[0]] / took[rival[0]])
    print("sockets: {}: {:.2f} [{:.2f}, {:.2f}] (median and extremes of {})".format(
        what, statistics.median(ratios), min(ratios), max(ratios), rounds), flush=True)


def cpu_seconds_of(command):
    """Of a processor, in user space and in the kernel, until it ends."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    process.returncode = 0
    return usage.ru_utime + usage.ru_stime


ALL = {"sockets": bench_sockets, "memory": bench_memory, "receive": bench_receive, "rr": bench_rr, "bulk": bench_bulk,
       "storm": bench_storm, "walks": bench_walks, "owners": bench_owners}

if __name__ == "__main__":
    for name in sys.argv[1:] or ALL:
        ALL[name]()
