# SPDX-License-Identifier: GPL-2.0
"""One program, every kernel that operators run, the same truth. Each test boots a kernel in
which scenario.py plays and halfopen watches, and judges here what came of it: by tshark on the
machine's own capture, by its nstat, by SO_ERROR, by tcp_info's clocks after each stranger's segment,
and by the instants at which it cut the path."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lab")]
import kernels      # noqa: E402
import machine      # noqa: E402
import schema       # noqa: E402
import segments     # noqa: E402
from lab import unix_ns     # noqa: E402

EPIPE, ECONNRESET, ETIMEDOUT, ECONNREFUSED = 32, 104, 110, 111
DELAY_NS = 20_000_000
# A 1 s timer of a kernel with HZ=250 is late by up to 8 jiffies (the timer wheel's granule), and
# the emulated processors are late, too.
GRANULE_NS, EMULATION_NS = 32_000_000, 200_000_000
# An event's time is taken before the segment is built; here that takes longer than on metal.
WIRE_NS = 100_000_000
# A step of the clock is noticed within a millisecond by a process that runs at once; an emulated one may
# wait for its processor.
STEP_NOTICED_NS = 200_000_000

REFUSED = ("refused_syn", "refused_old_ack", "refused_paws")
KEPT_IN = ("dropped_here", "dropped_here_data", "no_route", "no_route_data")
PERIOD_NS = 400_000_000     # of what is sent in the place of devices that are cut off
# fate: (outcome, outcome_detail, found_by, SO_ERROR)
EXPECTED = {
    "healthy": ("open", None, None, None),
    "cut": ("keepalive_timeout", "ETIMEDOUT", "keepalive", ETIMEDOUT),
    "user_timeout": ("user_timeout", "ETIMEDOUT", "user_timeout", ETIMEDOUT),
    "unacknowledged": ("retransmit_timeout", "ETIMEDOUT", "retransmit", ETIMEDOUT),
    "rebooted": ("reset_by_peer", "ECONNRESET", "reset", ECONNRESET),
    "dropped_here": ("keepalive_timeout", "unasked", None, ETIMEDOUT),
    "dropped_here_data": ("retransmit_timeout", "unasked", None, ETIMEDOUT),
    "no_route": ("keepalive_timeout", "unasked", None, ETIMEDOUT),
    "no_route_data": ("retransmit_timeout", "unasked", None, ETIMEDOUT),
    "port_unreachable": ("unreachable", "ECONNREFUSED", "unreachable", ECONNREFUSED),
    "talking": ("retransmit_timeout", "ETIMEDOUT", "retransmit", ETIMEDOUT),
    "redialled": ("reset_by_peer", "ECONNRESET", "reset", ECONNRESET),
    "redialled_while_asked": ("reset_by_peer", "ECONNRESET", "reset", ECONNRESET),
    "goodbye": ("keepalive_timeout", "ETIMEDOUT", None, ETIMEDOUT),
    "goodbye_rebooted": ("reset_by_peer", "EPIPE", None, EPIPE),
    **{fate: ("keepalive_timeout", "ETIMEDOUT", "keepalive", ETIMEDOUT) for fate in REFUSED},
    "busy_window": ("aborted_locally", "linger_0", None, None),
    "window_closed": ("open", None, None, None),
    "closed_by_peer": ("closed_by_peer", None, None, None),
    "closed_locally": ("closed_locally", None, None, None),
}
TIMER_PROGRAMS = {"timer_expire_entry", "timer_expire_exit"}
CONFIDENTIAL = "lockdown=confidentiality"
MACHINES = [(name, "") for name in kernels.KERNELS] + \
           [(name, CONFIDENTIAL) for name in ("5.10", "6.1", "6.18")]


def why_not(name):
    architecture = kernels.KERNELS[name][0]
    if not shutil.which(machine.QEMU[architecture][0]):
        return f"{machine.QEMU[architecture][0]} is not installed"
    if not kernels.release(name):
        return f"kernel {name} could not be fetched"
    if not os.path.exists(machine.program(architecture)):
        return f"no program for {architecture}: make ARCH=aarch64 static"
    return None


class Run:
    """What one machine left, read."""

    def __init__(self, name, parameters):
        result = machine.boot(name, parameters)
        assert result.passed, f"kernel {name} {parameters}:\n{result.console[-4000:]}"
        self.files = result.files
        self.facts = json.loads(self.files["facts.json"])
        self.text = self.files["watch.jsonl"].decode()
        self.lines = [json.loads(line) for line in self.text.splitlines()]
        self.errors = self.files["watch.err"].decode()
        self.meta = self.lines[0]
        self.timelines = {l["socket"]["cookie"]: l for l in self.lines
                          if l["schema"] == "halfopen.timeline/1"}

    def ports(self):
        return {case["port"] for case in self.facts["cases"]}

    def cases(self, *fates):
        return [c for c in self.facts["cases"] if not fates or c["fate"] in fates]

    def timeline(self, case):
        return self.timelines[case["cookie"]]

    def mono(self, at):
        """An instant that was told before the clock was set."""
        return unix_ns(at) - self.facts["unix_minus_mono_ns"]

    def events(self, name):
        """(device's port, monotonic time) of the gateway's events of this kind."""
        cookies = {c["cookie"]: c["port"] for c in self.facts["cases"]}
        return [(cookies[l["socket"]["cookie"]], int(l["mono_ns"])) for l in self.lines
                if l["schema"] == "halfopen.event/1" and l["event"] == name
                and l["socket"]["cookie"] in cookies]

    def frames(self, display_filter):
        """(device's port, monotonic time) of the frames that tshark finds."""
        with tempfile.NamedTemporaryFile(suffix=".pcap") as f:
            f.write(self.files["capture.pcap"])
            f.flush()
            out = subprocess.run(
                ["tshark", "-r", f.name, "-Y", display_filter, "-T", "fields", "-e",
                 "frame.time_epoch", "-e", "tcp.srcport", "-e", "tcp.dstport"],
                check=True, capture_output=True, text=True).stdout
        found = []
        for line in out.splitlines():
            when, source, destination = line.split("\t")
            seconds, _, fraction = when.partition(".")
            unix_ns = int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])
            found.append((int(destination) if source == "7000" else int(source),
                          unix_ns - self.facts["unix_minus_mono_ns"]))
        return found


def assert_same(ours, theirs, what):
    """One to one, a socket at a time, and to WIRE_NS."""
    alone = [[(port, at) for port, at in some
              if not any(p == port and abs(t - at) < WIRE_NS for p, t in others)]
             for some, others in ((ours, theirs), (theirs, ours))]
    assert len(ours) == len(theirs), \
        f"{what}: {len(ours)} told, {len(theirs)} on the wire; only told {alone[0]}, only on the " \
        f"wire {alone[1]}"
    for (port, at), (wire_port, wire_at) in zip(sorted(ours), sorted(theirs)):
        assert port == wire_port, what
        assert abs(at - wire_at) < WIRE_NS, f"{what}: {(at - wire_at) / 1e6:.3f} ms apart"


def check_hooks(run, confidential):
    """Every program is there, but for what this kernel is known to lack."""
    attached = {name.removesuffix("_cast").removesuffix("_skc").removesuffix("_read")
                for name in run.meta["attach"]}
    expected = {"tcp_probe", "tcp_retransmit_skb", "tcp_send_reset", "tcp_receive_reset",
                "inet_sock_set_state", "inet_sock_set_state_twin", "inet_sk_error_report",
                "tcp_destroy_sock", "kfree_skb"}
    if run.facts["release"].startswith("5.10"):
        expected = expected - {"inet_sk_error_report"} | {"give_cookie"}
    typed = "tcp_probe_cast" in run.meta["attach"]
    if typed or not confidential:
        expected |= TIMER_PROGRAMS
    assert attached == expected
    named = {l["event"] for l in run.lines if l["schema"] == "halfopen.event/1"}
    fired = {"established", "answered", "retransmit", "reset_sent", "reset_received", "state",
             "error", "peer_probe"} | ({"probe_sent", "probe_failed",
                                      "zero_window_probe"} if TIMER_PROGRAMS <= attached else set())
    assert fired <= named, f"never told: {fired - named}"
    return TIMER_PROGRAMS <= attached


def check_outcomes(run):
    for case in run.facts["cases"]:
        t = run.timelines[case["cookie"]]
        said = (t["outcome"], t.get("outcome_detail"), t.get("half_open", {}).get("found_by"),
                case.get("so_error"))
        assert said == EXPECTED[case["fate"]], (case, t)
        assert t["counts"]["events_lost"] == 0
        assert t["socket"]["family"] == case["family"]
        assert t["socket"]["peer"]["port"] == case["port"]
        assert t["keepalive"]["interval_s"] == 1


def without(cases):
    """The beginning of a display filter."""
    return "".join(f"not tcp.port == {c['port']} and " for c in cases)


def check_probes(run):
    """Each probe and each answer is one frame; what the kernel counted was sent or failed."""
    # On the wire a zero-window probe is a keepalive probe; nstat counts them apart.
    windows = run.cases("window_closed", "busy_window")
    others = without(windows)
    # Where somebody else speaks, or speaks again, tshark loses count of the numbers.
    forged = run.cases(*REFUSED, "redialled", "redialled_while_asked")
    numbers = " or ".join(f"(tcp.dstport == {c['port']} and tcp.seq_raw == {c['probe_seq']})"
                          for c in forged)
    assert_same(run.events("probe_sent"),
                run.frames(others + without(forged) + "tcp.analysis.keep_alive and tcp.srcport == 7000")
                + run.frames(f"tcp.flags.syn == 0 and ({numbers})"), "probes")
    probes = [run.timeline(c)["counts"]["zero_window_probes"] for c in windows]
    assert run.facts["counted"]["TcpExtTCPWinProbe"] == sum(probes) and all(probes), probes
    # A probe may be answered by the FIN of a peer that closes: no mere ACK.
    closing = run.cases("closed_by_peer", "closed_locally", "goodbye", "goodbye_rebooted")
    others += without(closing)
    told = [e for e in run.events("answered") if e[0] not in [c["port"] for c in windows + closing]]
    # The capture sits before the filter that cuts: what came while that was being put in place
    # may have passed it or not, and what came later was heard by nobody. A device that reboots is
    # not cut off: an answer of its former life that is still under way will be heard.
    cut = {c["port"]: c["cut_mono_ns"] for c in run.cases("cut", "user_timeout", "unacknowledged")}
    # Those were cut off at their own end of the delay.
    cut.update({c["port"]: (c["cut_mono_ns"][0], c["cut_mono_ns"][1] + DELAY_NS + EMULATION_NS)
                for c in run.cases(*REFUSED, "redialled_while_asked")})
    heard = []
    for port, at in run.frames(others + "tcp.analysis.keep_alive_ack and tcp.dstport == 7000"):
        before, after = cut.get(port, (at + 1, at + 1))
        passed = any(p == port and abs(t - at) < WIRE_NS for p, t in told)
        if at < before or (at < after and passed):
            heard.append((port, at))
    assert_same(told, heard, "answers")
    counts = [run.timelines[c["cookie"]]["counts"] for c in run.facts["cases"]]
    assert run.facts["counted"]["TcpExtTCPKeepAlive"] == \
        sum(c["probes_sent"] + c["probes_failed"] for c in counts)


def check_retransmissions(run):
    for case in run.cases("unacknowledged", "port_unreachable"):
        frames = [f for f in run.frames("tcp.analysis.retransmission and tcp.srcport == 7000")
                  if f[0] == case["port"]]
        assert run.timelines[case["cookie"]]["counts"]["retransmits"] == len(frames) > 0


def check_deaths(run):
    assert run.facts["counted"]["TcpExtTCPAbortOnTimeout"] == \
        len([c for c in run.cases() if c.get("so_error") in (ETIMEDOUT, ECONNREFUSED)])


def declared_mono_ns(run, case):
    return max(int(l["mono_ns"]) for l in run.lines
               if l["schema"] == "halfopen.event/1" and l["event"] == "state"
               and l["socket"]["cookie"] == case["cookie"])


def check_truth(run):
    """The instant of the cut lies in the interval."""
    for case in run.cases("cut", "user_timeout", "unacknowledged", "rebooted", "redialled",
                          "redialled_while_asked", "port_unreachable", *REFUSED):
        latency = run.timelines[case["cookie"]]["half_open"]["latency_ms"]
        before, after = case["cut_mono_ns"]
        declared = declared_mono_ns(run, case)
        shortest, longest = (declared - after) / 1e6, (declared - before) / 1e6
        assert (latency["min"] or 0) <= longest, case
        assert (latency["likely_min"] or 0) <= longest, case
        if not is_beyond(run, case):
            assert shortest <= latency["max"] + DELAY_NS / 1e6, case


def check_latencies(run):
    """Three probes a second apart, then the end: the same everywhere, to the timer's granule."""
    for case in run.cases("cut", *REFUSED):
        t = run.timelines[case["cookie"]]
        assert t["episodes"][-1]["asks"] == 3 and t["episodes"][-1]["end"] == "died"
        probes = [at for port, at in run.events("probe_sent") if port == case["port"]][-3:]
        steps = [b - a for a, b in zip(probes, probes[1:] + [declared_mono_ns(run, case)])]
        for step in steps:
            # the step after one that was told late is so much shorter
            assert -EMULATION_NS <= step - 10**9 <= GRANULE_NS + EMULATION_NS, (case, steps)


def is_beyond(run, case):
    """Only a timestamp tells that this is no life, and here it cannot be read."""
    return case["fate"] == "refused_paws" and not run.sees_timestamps


def check_refused(run):
    """The kernel's clocks stood still, and to us, too, the device has been silent since the cut."""
    for case in run.cases(*REFUSED):
        assert len(case["refused"]) >= 3 and all(case["refused"]), case
        if is_beyond(run, case):
            continue
        t, silent_ns = run.timeline(case), case["cut_mono_ns"][1] + DELAY_NS + EMULATION_NS
        assert run.mono(t["last_heard_at"]) <= silent_ns, t
        assert not [name for name in ("answered", "peer_probe", "heartbeat")
                    for port, at in run.events(name) if port == case["port"] and at > silent_ns], t
        assert t["counts"]["peer_probes"] == t["counts"]["heartbeats"] == 0, t


def check_redials(run):
    """Half-open until the reset; the connection after it is named."""
    for case in run.cases("redialled", "redialled_while_asked"):
        h = run.timeline(case)["half_open"]
        assert h["superseded_by"]["cookie"] == case["next_cookie"], (case, h)
        assert h["superseded_by"]["peer"]["port"] == case["port"]
        resets = [at for port, at in run.frames("tcp.flags.reset == 1 and tcp.dstport == 7000")
                  if port == case["port"]]
        assert resets and abs(run.mono(h["declared_at"]) - resets[0]) < WIRE_NS, (case, h)
        assert run.mono(h["last_heard_at"]) <= case["cut_mono_ns"][1] + DELAY_NS, (case, h)


def check_goodbyes(run):
    for case in run.cases("goodbye", "goodbye_rebooted"):
        t = run.timeline(case)
        fin, = [at for port, at in run.frames("tcp.flags.fin == 1 and tcp.dstport == 7000")
                if port == case["port"]]
        assert abs(run.mono(t["half_closed_at"]) - fin) < WIRE_NS, (case, t)
        assert "lost" not in t.get("gaps", {}), t


def check_kept_in(run, sees_probes):
    """Nothing left, and what did not is counted and told; nobody is said to be lost."""
    left = run.frames("tcp.srcport == 7000")
    for case in run.cases(*KEPT_IN):
        t, cut = run.timeline(case), case["cut_mono_ns"][1]
        assert not [at for port, at in left if port == case["port"] and at > cut], case
        assert "lost" not in t.get("gaps", {}) and not t["episodes"], t
        told = [at for name in ("probe_failed", "send_failed") for port, at in run.events(name)
                if port == case["port"]]
        if case["fate"].endswith("_data"):
            # Before 6.17 nobody is told of a retransmission that finds no route.
            least = 1 if case["fate"] == "no_route_data" else 4
            assert len(told) == t["counts"]["sends_failed"] >= least, t
        elif sees_probes:
            assert len(told) == t["counts"]["probes_failed"] == 3, t


def check_talking(run):
    """Heard to the end, and long since acknowledged nothing."""
    case, = run.cases("talking")
    t, cut = run.timeline(case), case["cut_mono_ns"][1]
    data = [at for port, at in run.frames("tcp.srcport == 7000 and tcp.len > 0")
            if port == case["port"] and at > cut]
    episode, = t["episodes"]
    assert (episode["kind"], episode["end"]) == ("retransmit", "died"), t
    # A tail loss probe need not be told.
    assert len(data) - 1 <= episode["asks"] <= len(data), (data, t)
    assert abs(run.mono(episode["first_unanswered_at"]) - data[0]) < WIRE_NS, (data, t)
    assert [l for l in run.lines if l["schema"] == "halfopen.timeline/1" and
            l["socket"]["cookie"] == case["cookie"] and l["outcome"] == "suspect"]
    assert not [at for port, at in run.events("answered") if port == case["port"] and at > cut], t
    declared, heard = declared_mono_ns(run, case), run.mono(t["last_heard_at"])
    assert declared - heard <= PERIOD_NS + EMULATION_NS + WIRE_NS, t
    acknowledged = run.mono(t["last_acknowledged_at"])
    assert acknowledged <= cut and heard - acknowledged >= 2_000_000_000, t
    latency = t["half_open"]["latency_ms"]
    assert latency["min"] <= latency["likely_min"] <= latency["max"], t


def check_strangers(run):
    """What is life of random segments: what moved the kernel's clocks of the peer."""
    said = json.loads(run.files["segments.json"])
    judged = [segments.Judged(*row)._replace(shot=segments.Shot(*row[segments.SHOT]))
              for row in said["judged"]]
    accepted = sum(j.accepted for j in judged)
    assert len(judged) / 10 < accepted < len(judged) * 9 / 10     # the borders were met
    with tempfile.NamedTemporaryFile(suffix=".ho") as f:
        f.write(run.files["recording.ho"])
        f.flush()
        heard = segments.heard_in(f.name)
    wrong = segments.disagreements(judged, heard, run.sees_timestamps)
    assert not wrong, f"seed {said['seed']}, {len(judged)} segments:\n{segments.report(wrong)}"


def check_recording(run):
    """It replays here, on another kernel (and processor), to the same bytes."""
    with tempfile.NamedTemporaryFile(suffix=".ho") as f:
        f.write(run.files["recording.ho"])
        f.flush()
        replayed = subprocess.run(
            [machine.program(kernels.HOST_ARCHITECTURE), "watch", "--json", *run.facts["watch"],
             "-r", f.name], check=True, capture_output=True, text=True).stdout
    assert replayed == run.text


def check_doctor(run, sees_probes):
    doctor = run.facts["doctor"]
    said = json.loads(doctor["out"])
    assert not list(schema.validator("doctor").iter_errors(said)), doctor
    assert said["kernel"] == run.facts["release"]
    assert doctor["code"] == (0 if sees_probes else 3), doctor
    assert said["impaired"] == (not sees_probes)
    refused = {p["hook"] for p in said["programs"] if not p["attached"]}
    assert bool(refused & TIMER_PROGRAMS) != sees_probes
    told = {f["what"] for f in said["findings"] if f["id"] == "program"}
    assert all(any(hook in what for what in told) for hook in refused)


def check_probe(run, can_ask):
    """Where a program's descriptors are not to be found (5.10 under lockdown), nobody is asked, and it says so."""
    done = run.facts["probe"]
    assert done["reuse"] == [1, 1, 1]
    if not can_ask:
        assert done["code"] == 1 and "nobody can be asked" in done["err"] and not done["asks"], done
        return
    assert done["code"] == 0, done
    *lines, summary = map(json.loads, done["out"].splitlines())
    assert not list(schema.validator("probe_summary").iter_errors(summary)), summary
    results = {done["cookies"][l["socket"]["cookie"]]: (l["result"], l.get("reset")) for l in lines}
    assert results == {"there": ("answered", None), "cut": ("unanswered", None),
                       "forgotten": ("unanswered", True)}, done
    assert summary["asks"] == done["asks"], done


def check_walks(run, name, sees_probes):
    """bpf_loop is of 5.17; before 6.2 the table is read by what confidentiality refuses."""
    walks, = [f for f in json.loads(run.facts["doctor"]["out"])["findings"] if f["id"] == "walks"]
    over_the_table = "one walk over the kernel's table" in walks["what"]
    assert over_the_table == (sees_probes and not name.startswith("5.10")), walks


def check_clock_step(run):
    """Every time of day is of the clock that was set when it happened, and the step has its instant."""
    (before, after), offsets = run.facts["step"]["mono_ns"], run.facts["step"]["unix_minus_mono_ns"]
    told = [l for l in run.lines if l["schema"] == "halfopen.event/1"]
    step, = [l for l in told if l["event"] == "clock_step"]
    assert before <= int(step["mono_ns"]) <= after + STEP_NOTICED_NS, step
    assert abs(step["step_ms"] - (offsets[1] - offsets[0]) / 1e6) < 2, step
    soon = 0
    for event in told:
        mono = int(event["mono_ns"])
        offset = unix_ns(event["at"]) - mono
        if mono < before:
            assert abs(offset - offsets[0]) < 2_000_000, event
        elif mono > after + STEP_NOTICED_NS:
            assert abs(offset - offsets[1]) < 2_000_000, event
            soon += mono < after + 500_000_000
    assert soon


def check_owners(run):
    owners = {run.timelines[c["cookie"]]["socket"].get("owner", {}).get("comm")
              for c in run.cases("healthy", "cut")}
    # where this kernel does not tell, it was said so
    assert owners == ({None} if "held_sockets" in run.errors else {"python3"})


@pytest.mark.parametrize("name, parameters", MACHINES,
                         ids=[f"{n} {p}".strip() for n, p in MACHINES])
def test_kernel(name, parameters, tmp_path):
    reason = why_not(name)
    if reason:
        pytest.skip(reason)
    run = Run(name, parameters)
    for file, content in run.files.items():     # pytest keeps those of the last three runs
        (tmp_path / file).write_bytes(content)
    # Under emulation tcpdump may be too slow: then nobody can be judged by it.
    assert not run.facts["capture_dropped"], f"the witness lost {run.facts['capture_dropped']} frames"
    assert run.facts["watch_code"] == 0, run.errors
    schema.check(run.lines)
    lost = [l for l in run.lines if l["schema"] == "halfopen.loss/1"]
    # A slow emulated processor is interrupted within a program once in a while: then run once more.
    assert not lost or {l["reason"] for l in lost} != {"recursion"}, f"recursion came in between: {lost}"
    assert not lost
    sees_probes = check_hooks(run, parameters == CONFIDENTIAL)
    # Both are memory whose type the verifier knows from 6.2 on.
    run.sees_timestamps = sees_probes
    check_outcomes(run)
    check_deaths(run)
    check_retransmissions(run)
    check_truth(run)
    check_refused(run)
    check_redials(run)
    check_goodbyes(run)
    check_kept_in(run, sees_probes)
    check_talking(run)
    check_strangers(run)
    if sees_probes:
        check_probes(run)
        check_latencies(run)
    check_clock_step(run)
    check_recording(run)
    check_doctor(run, sees_probes)
    check_probe(run, sees_probes or not name.startswith("5.10"))
    check_walks(run, name, sees_probes)
    check_owners(run)
