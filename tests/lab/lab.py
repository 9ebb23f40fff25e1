# SPDX-License-Identifier: GPL-2.0
"""The lab: two namespaces of the test's own with a veth between them, halfopen watching, and
others' eyes on the same traffic (tcpdump and tshark, nstat, getsockopt, the lab's own clock).

Everything runs in this process: a thread enters a namespace, makes a socket there, and comes
back. Nothing sleeps for a fixed time where a condition can be waited for.
"""
import array
import contextlib
import ctypes
import fcntl
import heapq
import itertools
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HALFOPEN = os.environ.get("HALFOPEN", os.path.join(ROOT, "build", "halfopen"))
TCP_USER_TIMEOUT = 18
SO_COOKIE = 57

_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()


def run(*command, **keywords):
    return subprocess.run(command, check=True, capture_output=True, text=True, **keywords)


# Who waits for something gives up no sooner: a limit that a busy host can pass says nothing of us.
PATIENCE_S = 60


def wait_until(condition, timeout, what):
    """Polls until condition() gives something true, and returns it; for `timeout` seconds, or longer
    (PATIENCE_S)."""
    timeout = max(timeout, PATIENCE_S)
    end = time.monotonic() + timeout
    while True:
        late = time.monotonic() > end   # before it is asked: this process may have stood still since
        found = condition()
        if found:
            return found
        if late:
            raise AssertionError(f"waited {timeout} s in vain: {what}")
        time.sleep(0.02)


def wait_or_kill(process, timeout=2 * PATIENCE_S):
    """Its exit code; one that does not end by itself fails the test, and does not outlive it."""
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def mono_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def cookie(sock):
    return str(int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8), "little"))


# Of the kernel's struct tcp_info; what an older kernel has not is 0.
TCP_INFO_FIELDS = {
    "B": {"state": 0, "retransmits": 2, "probes": 3, "backoff": 4},
    "I": {"unacked": 24, "last_data_recv_ms": 52, "last_ack_recv_ms": 56, "rtt_us": 68,
          "rttvar_us": 72, "segs_out": 136,
          "segs_in": 140, "notsent": 144, "data_segs_in": 152, "rcv_ooopack": 224, "snd_wnd": 228,
          "rcv_wnd": 232},
    "Q": {"bytes_acked": 120, "bytes_received": 128},
}


def tcp_info(sock):
    raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 240).ljust(240, b"\0")
    return {name: struct.unpack_from(form, raw, at)[0]
            for form, fields in TCP_INFO_FIELDS.items() for name, at in fields.items()}


@contextlib.contextmanager
def inside(path):
    """This thread inside the namespace at `path`."""
    with open("/proc/thread-self/ns/net") as back, open(path) as to:
        if _libc.setns(to.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns", path)
        try:
            yield
        finally:
            _libc.setns(back.fileno(), 0x40000000)


class Namespace:
    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        self.nft_ready = False
        run("ip", "netns", "add", name)
        try:
            self.inode = os.stat(self.path).st_ino
            self.ip("link", "set", "lo", "up")
        except BaseException:
            self.delete()
            raise

    def ip(self, *arguments):
        return run("ip", "-n", self.name, *arguments)

    def sysctl(self, **values):
        for key, value in values.items():
            with inside(self.path), open(f"/proc/sys/net/ipv4/{key}", "w") as f:
                f.write(str(value))

    def nft(self, rules):
        return run("ip", "netns", "exec", self.name, "nft", "-f", "-", input=rules)

    def drop(self, hook, match):
        """Adds a rule that drops; returns the instants just before and just after it."""
        if not self.nft_ready:
            self.nft("table inet lab {\n"
                     " chain input { type filter hook input priority 0; }\n"
                     " chain output { type filter hook output priority 0; }\n}\n")
            self.nft_ready = True
        before = mono_ns()
        self.nft(f"add rule inet lab {hook} {match} drop")
        return before, mono_ns()

    def mend(self):
        self.nft("flush chain inet lab input\nflush chain inet lab output\n")

    def nstat(self, name):
        """A counter of the kernel's own, absolute since the namespace was made."""
        out = run("ip", "netns", "exec", self.name, "nstat", "-asz", name).stdout
        return int(next(line.split()[1] for line in out.splitlines() if line.startswith(name)))

    def spawn(self, *command, **keywords):
        keywords.setdefault("stdout", subprocess.DEVNULL)
        keywords.setdefault("stderr", subprocess.DEVNULL)
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], **keywords)

    def delete(self):
        run("ip", "netns", "del", self.name)


class Carrier:
    """A path with a mind of its own: what the device sends reaches the gateway when `fate` says.
    fate(frame) gives the delays in seconds of each copy that arrives; none: the frame is lost.
    The other direction is quick. Frames are moved by a thread of this process, in a namespace
    between the two."""

    def __init__(self, lab, tag, fate):
        self.fate, self.queue, self.order = fate, [], itertools.count()
        self.namespace = Namespace(tag + "c")
        lab.cleanup.callback(self.namespace.delete)
        for end, host in (("c0", lab.gateway), ("c1", lab.device)):
            run("ip", "link", "add", "veth0", "netns", host.name, "type", "veth", "peer", "name",
                end, "netns", self.namespace.name)
            self.namespace.ip("link", "set", end, "up", "promisc", "on")
            with inside(host.path):
                without_checksum_offload("veth0")
        with inside(self.namespace.path):
            self.sockets = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                            for _ in range(2)]
        for sock, end in zip(self.sockets, ("c0", "c1")):
            with inside(self.namespace.path):
                sock.bind((end, 0))
            sock.setblocking(False)
        self.running = True
        self.thread = threading.Thread(target=self.forward, daemon=True)
        self.thread.start()
        lab.cleanup.callback(self.stop)

    def stop(self):
        self.running = False
        self.thread.join(10)
        for sock in self.sockets:
            sock.close()

    def forward(self):
        gateway, device = self.sockets
        while self.running:
            wait = min(0.05, max(0, self.queue[0][0] - time.monotonic())) if self.queue else 0.05
            for sock in select.select(self.sockets, [], [], wait)[0]:
                # Readable does not mean that it still is; and a link may go down, or be full.
                with contextlib.suppress(OSError):
                    frame, (_, _, kind, _, _) = sock.recvfrom(65536)
                    if kind != 4:       # PACKET_OUTGOING: our own
                        self.take(sock, frame)
            while self.queue and self.queue[0][0] <= time.monotonic():
                with contextlib.suppress(OSError):
                    gateway.send(heapq.heappop(self.queue)[2])

    def take(self, sock, frame):
        gateway, device = self.sockets
        if sock is gateway:
            device.send(frame)
            return
        for delay in self.fate(frame):
            heapq.heappush(self.queue, (time.monotonic() + delay, next(self.order), frame))


def without_checksum_offload(interface):
    """So that what AF_PACKET takes from the link is whole (ethtool -K tx off)."""
    value = array.array("I", [0x17, 0])     # ETHTOOL_STXCSUM
    request = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
    with socket.socket() as sock:
        fcntl.ioctl(sock, 0x8946, request)  # SIOCETHTOOL


def hold_only(name, *sockets):
    """In a child that was just forked: it is called `name`, and holds of what it inherited only these.
    Sockets of other tests of this process would be its, too: who has the lower pid is told as the owner,
    and pids begin anew at pid_max."""
    with open("/proc/self/comm", "w") as f:
        f.write(name or "\0")
    keep = {s.fileno() for s in sockets}
    for fd in range(3, 1024):
        if fd not in keep:
            with contextlib.suppress(OSError):
                os.close(fd)


@contextlib.contextmanager
def bound(lab, source, name="bound"):
    """The path in the lab's directory that `source` is mounted at meanwhile."""
    path = lab.path(name)
    if not os.path.exists(path):
        open(path, "w").close()
    run("mount", "--bind", source, path)
    try:
        yield path
    finally:
        run("umount", path)


class Lab:
    """A gateway and a device: 10.77.0.1 and 10.77.0.2, fd77::1 and fd77::2. With `fate`, a
    Carrier between them. Whoever wants more namespaces than these has them from namespace()."""

    def __init__(self, fate=None, tag=None):
        # Whose process runs no more, its things are removed (host.py).
        self.tag = tag or f"ho{os.getpid()}x{next(_numbers)}"
        self.namespaces = []    # of which a watch's lines are kept
        self.listeners = {}
        self.recorded = None
        self.told = None    # the last timeline that a test waited for
        self.cleanup = contextlib.ExitStack()
        try:
            self.build(fate)
        except BaseException:
            self.cleanup.close()
            raise

    def build(self, fate):
        self.directory = tempfile.mkdtemp(prefix=f"halfopen-lab-{self.tag}-")
        self.cleanup.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.gateway, self.device = self.namespace("g"), self.namespace("d")
        self.build_path(self.tag, fate)
        if os.environ.get("HALFOPEN_SCENARIOS"):
            self.scenario_capture = self.capture()

    def namespace(self, name):
        namespace = Namespace(self.tag + name)
        self.cleanup.callback(namespace.delete)
        self.namespaces.append(namespace)
        return namespace

    def build_path(self, tag, fate):
        if fate:
            self.carrier = Carrier(self, tag, fate)
        else:
            run("ip", "link", "add", "veth0", "netns", self.gateway.name, "type", "veth",
                "peer", "name", "veth0", "netns", self.device.name)
        for number, namespace in ((1, self.gateway), (2, self.device)):
            namespace.ip("addr", "add", f"10.77.0.{number}/16", "dev", "veth0")
            namespace.ip("addr", "add", f"fd77::{number}/64", "dev", "veth0", "nodad")
            namespace.ip("link", "set", "veth0", "up")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.cleanup.close()

    def path(self, name):
        return os.path.join(self.directory, name)

    def keep(self, sock):
        self.cleanup.callback(sock.close)
        return sock

    def end_process(self, process, how=signal.SIGTERM):
        def end():
            if process.poll() is None:
                process.send_signal(how)
            wait_or_kill(process)
        self.cleanup.callback(end)
        return process

    def listen(self, family=socket.AF_INET, port=7000):
        key = (family, port)
        if key not in self.listeners:
            with inside(self.gateway.path):
                sock = self.keep(socket.socket(family, socket.SOCK_STREAM))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
            sock.listen(1024)
            self.listeners[key] = sock
        return self.listeners[key]

    def connect(self, family=socket.AF_INET, port=7000, device_port=0, address=None):
        """A connection from the device, to another address of the gateway's if there is one;
        returns (gateway's socket, device's socket)."""
        listener = self.listen(family, port)
        with inside(self.device.path):
            device = self.keep(socket.socket(family, socket.SOCK_STREAM))
        if device_port:
            device.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            device.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", device_port))
        device.connect((address or ("fd77::1" if family == socket.AF_INET6 else "10.77.0.1"), port))
        gateway, _ = listener.accept()
        return self.keep(gateway), device

    def device_dial(self, port, tries=100):
        """A connection from the device to a real program on the gateway, once it listens."""
        for _ in range(tries):
            with inside(self.device.path):
                sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                sock.connect(("10.77.0.1", port))
                return self.keep(sock)
            except ConnectionRefusedError:
                sock.close()
                time.sleep(0.1)
        raise AssertionError(f"nobody listens on port {port}")

    def watch(self, *arguments, **keywords):
        recorded = os.environ.get("HALFOPEN_SCENARIOS") and not self.recorded
        path = self.path("scenario.ho.zst")
        if recorded:    # of this lab alone: it is kept, and replayed by `make check`
            keywords["more"] = ["-w", path, f"netns = {self.gateway.inode} or "
                                            f"netns = {self.device.inode}"]
        watch = Watch(self, arguments, **keywords)
        if recorded:
            self.recorded = watch, list(arguments), path
        self.cleanup.callback(watch.stop)
        return watch

    def capture(self, interface="veth0"):
        capture = Capture(self, interface)
        self.cleanup.callback(capture.stop)
        return capture


def keepalive(sock, idle, interval, probes, user_timeout_ms=0):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, probes)
    if user_timeout_ms:
        sock.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms)


class Watch:
    """halfopen watch --json, with everything it has said so far; as a rule only what it said
    of the lab's own namespaces is looked at."""

    def __init__(self, lab, arguments, wrapper=(), more=()):
        self.lab = lab
        self.output = lab.path(f"watch{next(_numbers)}.jsonl")
        self.offset, self.count, self.said = 0, 0, []
        self.errors = open(self.output + ".err", "w+")
        self.process = subprocess.Popen(
            [*wrapper, HALFOPEN, "watch", "--json", *arguments, *more], stdout=open(self.output, "w"),
            stderr=self.errors)
        try:
            wait_until(lambda: self.process.poll() is not None or os.path.getsize(self.output) > 0,
                       60, "the first line of halfopen watch")
        except AssertionError:
            self.process.kill()
            self.process.wait()
            raise
        assert self.process.poll() is None, self.stderr()

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read()

    def read(self):
        """Takes in what was said since. Other programs on this host, and other tests, may make
        a hundred thousand lines: of what concerns a socket of theirs only the number is kept."""
        with open(self.output, "rb") as f:
            f.seek(self.offset)
            new = f.read()
        whole = new[:new.rfind(b"\n") + 1]
        self.offset += len(whole)
        ours = [b'"inode":%d' % n.inode for n in self.lab.namespaces]
        for line in whole.splitlines():
            assert b'"seq":%d,' % self.count in line, (self.count, line[:300])
            self.count += 1
            if b'"socket":' not in line or any(inode in line for inode in ours):
                self.said.append(json.loads(line))

    def lines(self, schema=None):
        self.read()
        return [l for l in self.said if schema is None or l["schema"] == f"halfopen.{schema}/1"]

    def of(self, key, schema="timeline"):
        return [l for l in self.lines(schema) if l.get("socket", {}).get("cookie") == key]

    def counted_losses(self):
        """Losses by our own fault. What the kernel ran no program for (`unseen`) may be anyone's
        on this host."""
        return [l for l in self.lines("loss") if l["reason"] != "unseen"]

    def ending(self, key, timeout=15, may_be_unseen=False):
        """The final timeline of the socket with this cookie. A test of one socket whose end fell into a
        moment without programs cannot judge it, and is run again; one of many asks was_unseen()."""
        self.lab.told = wait_until(lambda: [t for t in self.of(key) if t["final"]], timeout,
                                   f"the end of socket {key}")[0]
        assert may_be_unseen or not was_unseen(self, self.lab.told), \
            f"this kernel ran no program when socket {key} ended, which was told: {self.lab.told}"
        return self.lab.told

    def events(self, key, *names):
        return [e for e in self.of(key, "event") if not names or e["event"] in names]

    validate = True     # by jsonschema, which a test machine of tests/vm has not

    def stop(self, how=signal.SIGINT):
        """Ends the watch; everything it said is valid by its schema, to the last line."""
        if self.process.poll() is not None:
            return self.process.returncode
        self.process.send_signal(how)
        code = wait_or_kill(self.process)
        if self.validate:
            import schema
            schema.check(self.lines(), whole=False)
        return code


_ends = {True: 0, False: 0}     # of this process: were they unseen?


def was_unseen(watch, timeline):
    """Did the end fall into a moment in which this kernel ran no BPF program (docs/DESIGN.md, Loss)? Only
    then it may be unknown: the reason stands in the timeline, and the loss is told. Such moments are rare:
    where a kind of ending is always unseen, or more than one in fifty are, a fault of ours is."""
    unseen = timeline["outcome"] == "unknown"
    _ends[unseen] += 1
    if unseen:
        assert "was lost" in timeline["outcome_detail"], timeline
        wait_until(lambda: any(l["reason"] in ("unseen", "recursion") for l in watch.lines("loss")),
                   PATIENCE_S, f"the loss of what is unknown, {timeline}")
        assert _ends[True] <= 2 + _ends[False] // 50, (_ends, timeline)
    return unseen


class Capture:
    """tcpdump on the gateway's interface, read afterwards by tshark."""

    def __init__(self, lab, interface):
        self.file = lab.path(f"capture{next(_numbers)}.pcap")
        self.stopped = False
        # Without --immediate-mode, what the kernel holds in an unfinished block when tcpdump is
        # ended (up to a second of it) never comes into the file; with it, a large snapshot
        # length would leave room for eight frames.
        self.process = lab.gateway.spawn("tcpdump", "-Z", "root", "-U", "--immediate-mode",
                                         "-s", "160", "-B", "8192", "-i", interface,
                                         "-w", self.file, "tcp", stderr=subprocess.PIPE)
        said = b""
        while b"listening on" not in said:
            line = self.process.stderr.readline()
            assert line, f"tcpdump did not start: {said.decode()}"
            said += line

    def stop(self):
        if self.stopped:
            return
        self.stopped = True
        time.sleep(0.3)     # what is on the wire now is in the file then
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, f"tcpdump: {errors.decode()}"
        self.dropped = int(next((l.split()[0] for l in errors.decode().splitlines()
                                 if "dropped by kernel" in l), 0))

    def count(self, display_filter):
        self.stop()
        return len(run("tshark", "-r", self.file, "-Y", display_filter, "-T", "fields",
                       "-e", "frame.number").stdout.splitlines())

    def frames(self, display_filter):
        """(time_ns, source address, source port, destination port) of the frames that match."""
        self.stop()
        out = run("tshark", "-r", self.file, "-Y", display_filter, "-T", "fields",
                  "-e", "frame.time_epoch", "-e", "ip.src", "-e", "tcp.srcport",
                  "-e", "tcp.dstport").stdout
        frames = []
        for line in out.splitlines():
            when, source, source_port, destination_port = line.split("\t")
            seconds, _, fraction = when.partition(".")
            frames.append((int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9]), source,
                           int(source_port), int(destination_port)))
        return frames


def unix_ns(text):
    """Nanoseconds since 1970 of an RFC 3339 time of halfopen's."""
    seconds, fraction = text.rstrip("Z").split(".")
    return int(time.mktime(time.strptime(seconds + " UTC", "%Y-%m-%dT%H:%M:%S %Z"))
               - time.timezone) * 10**9 + int(fraction)
