#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""docs/SCENARIOS.md, made by the lab: what happened, what the kernel counted, what tshark saw and
what halfopen said, side by side. `make scenarios` runs the tests of endings and episodes with
HALFOPEN_SCENARIOS set to a directory, in which each leaves a row and a recording, and prints the table.

    scenarios.py DIRECTORY KERNEL > SCENARIOS.md
"""
import json
import os
import re
import shutil
import sys

COUNTERS = {
    "TcpExtTCPKeepAlive": "keepalive probes", "TcpExtTCPWinProbe": "window probes",
    "TcpRetransSegs": "retransmissions", "TcpExtTCPTimeouts": "RTOs",
    "TcpExtTCPAbortOnTimeout": "aborts on timeout", "TcpExtTCPAbortOnClose": "aborts on close",
    "TcpExtTCPAbortOnData": "aborts on data", "TcpEstabResets": "resets of connections",
}
FRAMES = {
    "keepalive probes": "tcp.analysis.keep_alive and tcp.srcport == {port}",
    "answers": "tcp.analysis.keep_alive_ack and tcp.dstport == {port}",
    "the peer's probes": "tcp.analysis.keep_alive and tcp.dstport == {port}",
    "retransmissions": "tcp.analysis.retransmission and tcp.srcport == {port}",
    "closed windows": "tcp.analysis.zero_window and tcp.dstport == {port}",
    "our RST": "tcp.flags.reset == 1 and tcp.srcport == {port}",
    "its RST": "tcp.flags.reset == 1 and tcp.dstport == {port}",
    "our FIN": "tcp.flags.fin == 1 and tcp.srcport == {port}",
    "its FIN": "tcp.flags.fin == 1 and tcp.dstport == {port}",
}


def counted(numbers):
    return ", ".join(f"{n} {name}" for name, n in numbers.items() if n) or "nothing"


def record(item, lab):
    timeline = lab.told
    port = timeline["socket"]["local"]["port"]
    capture = lab.scenario_capture
    capture.stop()
    row = {
        "name": item.name, "file": item.path.name, "line": item.function.__code__.co_firstlineno,
        "words": item.originalname.removeprefix("test_").replace("_", " "),
        "case": item.callspec.id if hasattr(item, "callspec") else "",
        "kernel": counted({words: lab.gateway.nstat(name) for name, words in COUNTERS.items()}),
        "wire": counted({words: capture.count(f.format(port=port)) for words, f in FRAMES.items()}),
        "said": said(timeline),
    }
    directory = os.environ["HALFOPEN_SCENARIOS"]
    with open(rows_of(directory), "a") as f:
        f.write(json.dumps(row) + "\n")
    if lab.recorded:
        keep_recording(item, lab, os.path.join(directory, "recordings"))


def rows_of(directory):
    return os.path.join(directory, "rows.jsonl")


def keep_recording(item, lab, directory):
    """The recording of this scenario, and what was said of its socket."""
    watch, arguments, path = lab.recorded
    watch.stop()
    timeline = watch.of(lab.told["socket"]["cookie"])[-1]
    name = re.sub(r"\W+", "-", item.name).strip("-").removeprefix("test_")
    kept = os.path.join(directory, name)
    os.makedirs(directory, exist_ok=True)
    shutil.copyfile(path, kept + ".ho.zst")
    with open(kept + ".json", "w") as f:
        json.dump({"arguments": arguments, "timeline": timeline}, f)
        f.write("\n")


def said(t):
    words = f"**{t['outcome']}**"
    if "outcome_detail" in t:
        words += f" ({t['outcome_detail']})"
    half = t.get("half_open")
    if half:
        bounds = [half["latency_ms"][k] for k in ("min", "likely_min", "max")]
        shown = ["null" if b is None else f"{b / 1000:.2f}" for b in bounds]
        words += f", found by {half['found_by']}; gone for {' / '.join(shown)} s"
    words += "; " + counted({k.replace("_", " "): n for k, n in t["counts"].items()})
    episodes = [f"{e['kind']} of {e['asks']} asks {e['end']}" for e in t["episodes"]]
    return words + ("; " + ", ".join(episodes[-3:]) if episodes else "")


def main(directory, kernel):
    with open(rows_of(directory)) as f:
        rows = [json.loads(line) for line in f]
    rows.sort(key=lambda r: (r["file"], r["line"], r["case"]))
    print("# Scenarios\n\nMade by `make scenarios`: tests of the lab played these with real sockets in "
          "network namespaces, and all\npassed. *Counted*: nstat in the gateway's namespace, since "
          "it was made. *On the wire*: tshark on the gateway's\ninterface (before its filters on "
          "input). *Reported*: the timeline; `gone for` gives `min` / `likely_min` / `max`.\n\n"
          f"Kernel: {kernel}.\n\n| scenario | counted | on the wire | reported |\n|---|---|---|---|")
    for r in rows:
        name = r["words"] + (f" ({r['case']})" if r["case"] else "")
        print(f"| {name} | {r['kernel']} | {r['wire']} | {r['said']} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
