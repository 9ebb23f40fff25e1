# SPDX-License-Identifier: GPL-2.0
"""The lab where it fails, or cannot work: it leaves nothing behind, and says in one line why."""
import contextlib
import glob
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

import host
from lab import HALFOPEN, ROOT, Lab, wait_until
from nat import NatLab

LAB = os.path.join(ROOT, "tests", "lab")
DEMO = os.path.join(ROOT, "scripts", "demo")


def left(tag):
    """Namespaces and directories of a lab's."""
    return [n for n in os.listdir("/run/netns") if n.startswith(tag)] + \
        [d for d in os.listdir("/tmp") if d.startswith(f"halfopen-lab-{tag}-")]


def watches(tag):
    """Processes of ours that were given a namespace of this lab's."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError), open(path, "rb") as f:
            words = f.read().split(b"\0")
            if words[0] == HALFOPEN.encode() and f"{tag}g".encode() in words:
                found.append(path)
    return found


def path_without(directory, *missing):
    """A PATH in which there is all that the lab wants but for these."""
    os.makedirs(directory, exist_ok=True)
    for program in (*host.PROGRAMS, "env", "sh"):
        if program not in missing:
            os.symlink(shutil.which(program), os.path.join(directory, program))
    return {**os.environ, "PATH": str(directory)}


@pytest.mark.parametrize("kind", [Lab, NatLab])
def test_a_lab_that_cannot_be_built_leaves_nothing(kind, monkeypatch):
    tag = f"ho{os.getpid()}xbroken"

    def fail(*_):
        raise RuntimeError("no nft")
    monkeypatch.setattr("lab.Lab.build_path" if kind is Lab else "nat.inside", fail)
    with pytest.raises(RuntimeError, match="no nft"):
        kind(tag=tag)
    assert not left(tag)


def test_where_a_program_is_missing(tmp_path):
    """No failure for each test, but one reason."""
    r = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_ring.py",
                        "test_order.py", f"--junitxml={tmp_path}/lab.xml"], cwd=LAB, capture_output=True,
                       text=True, env=path_without(tmp_path / "bin", "nft"))
    why = "the lab cannot work here: not in PATH: nft (scripts/setup test installs them)"
    assert r.returncode == 0 and r.stdout.count("nft") == 1 and why in r.stdout, r.stdout
    r = subprocess.run([os.path.join(ROOT, "tests", "tally"), tmp_path], capture_output=True, text=True)
    assert re.fullmatch(rf"SKIP lab: \w+ and \d+ more: {re.escape(why)}\n0 passed, 0 failed, \d+ skipped\n",
                        r.stdout), r.stdout


def test_where_no_namespace_can_be_made():
    """As of a container without CAP_SYS_ADMIN; by what `ip` itself says."""
    r = subprocess.run(["setpriv", "--bounding-set", "-sys_admin", sys.executable, "-c",
                        "import host; print(host.lacks())"], cwd=LAB, capture_output=True, text=True)
    assert re.fullmatch(r"ip netns add: .*(not permitted|denied|failed).*\n", r.stdout), (r.stdout, r.stderr)


def test_where_there_is_no_terminal():
    r = subprocess.run(["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev/pts && '
                        'exec "$0" -c "import host; print(host.lacks())"', sys.executable], cwd=LAB,
                       capture_output=True, text=True)
    assert r.stdout.startswith("no pseudo-terminal: ") and r.stdout.count("\n") == 1, (r.stdout, r.stderr)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_a_demo_that_is_ended(how, tmp_path):
    """What it has made is gone with it, or, where it was killed, once the next begins."""
    with open(tmp_path / "said", "w") as said:
        demo = subprocess.Popen([sys.executable, DEMO], stdout=subprocess.DEVNULL, stderr=said)
    tag = f"demo{demo.pid}x"
    try:
        wait_until(lambda: demo.poll() is not None or watches(tag), 120, "its watch")
        demo.send_signal(how)
        demo.wait(120)
    finally:
        demo.kill()
        demo.wait()
    assert "Traceback" not in (tmp_path / "said").read_text()
    wait_until(lambda: not watches(tag), 60, "the end of its watch")
    if how == signal.SIGKILL:
        assert left(tag)
        host.sweep(of=lambda pid: pid == demo.pid)
    assert not left(tag)


def test_a_demo_where_a_program_is_missing(tmp_path):
    r = subprocess.run([sys.executable, DEMO], capture_output=True, text=True,
                       env=path_without(tmp_path / "bin", "conntrack"))
    assert r.returncode == 1
    assert r.stderr == "demo: not in PATH: conntrack (scripts/setup test installs them)\n", r.stderr


FLAKY = """
import os

def test_flaky():
    if not os.path.exists("again"):
        open("again", "w").close()
        raise AssertionError("waited 5 s in vain: a ghost")

def test_steady():
    pass
"""


def test_a_rerun_is_counted_by_name(tmp_path):
    with open(tmp_path / "test_x.py", "w") as f:
        f.write(FLAKY)
    tests = os.path.join(ROOT, "tests")
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "reruns", "--reruns", "1",
                    f"--junitxml={tmp_path}/lab.xml"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": tests})
    r = subprocess.run([os.path.join(tests, "tally"), tmp_path], capture_output=True, text=True)
    assert r.returncode == 0
    assert r.stdout.splitlines() == [
        "RERUN lab: test_flaky: AssertionError: waited 5 s in vain: a ghost",
        "1 of those that passed had failed before and were run again (RERUN)", "2 passed, 0 failed, 0 skipped"]


SHARED = """
import pytest

@pytest.fixture(scope="module")
def scenario():
    yield
    raise RuntimeError("its watch does not end")

def test_of_it(scenario):
    assert False, "what is wrong with it"

def test_steady():
    pass
"""


def test_a_scenario_that_fails_at_its_end_ends_no_run(tmp_path):
    """One that is played anew for a failed test; both are told."""
    (tmp_path / "test_x.py").write_text(SHARED)
    shutil.copy(os.path.join(LAB, "conftest.py"), tmp_path)
    r = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "1"], cwd=tmp_path,
                       env={**os.environ, "PYTHONPATH": LAB}, capture_output=True, text=True)
    assert r.returncode == 1 and "1 failed, 1 passed" in r.stdout, r.stdout + r.stderr
    assert "what is wrong with it" in r.stdout and "its watch does not end" in r.stdout, r.stdout
