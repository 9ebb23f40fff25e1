# SPDX-License-Identifier: GPL-2.0
"""What watch reads and writes: never what a stranger planted, never what is read too, never half; and
signals meanwhile."""
import contextlib
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest

from lab import HALFOPEN, ROOT, Lab, cookie, run, wait_until

NOBODY = 65534
RECORDING = os.path.join(ROOT, "tests/recordings",
                         sorted(f for f in os.listdir(os.path.join(ROOT, "tests/recordings"))
                                if f.endswith(".ho.zst"))[0])


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def watch(*arguments, **keywords):
    keywords.setdefault("timeout", 60)
    return subprocess.run([HALFOPEN, "watch", "--json", *arguments], capture_output=True, text=True,
                          **keywords)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


@pytest.fixture
def shared(tmp_path):
    """A directory as /tmp is, and fs.protected_* of no matter."""
    path = tmp_path / "shared"
    path.mkdir()
    path.chmod(0o1777)
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    return path, victim


def foreign_file(path, victim):
    path.write_text("theirs\n")
    os.chown(path, NOBODY, NOBODY)
    path.chmod(0o666)


def foreign_link(path, victim):
    path.symlink_to(victim)
    os.lchown(path, NOBODY, NOBODY)


def dangling_foreign_link(path, victim):
    path.symlink_to(victim.parent / "made")
    os.lchown(path, NOBODY, NOBODY)


def second_name(path, victim):
    os.link(victim, path)


def foreign_fifo(path, victim):
    os.mkfifo(path)
    os.chown(path, NOBODY, NOBODY)
    path.chmod(0o666)


def block_device(path, victim):
    os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 250))


def bound_socket(path, victim):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))


PLANTED = [(foreign_file, "it belongs to another user"),
           (foreign_link, "it is a link that belongs to another user"),
           (dangling_foreign_link, "it is a link that belongs to another user"),
           (second_name, "it has other names"), (foreign_fifo, "it is another user's FIFO"),
           (block_device, "it is a block device"), (bound_socket, "it is a socket")]


@pytest.mark.parametrize("option", ["-o", "-w"])
@pytest.mark.parametrize("plant,said", PLANTED, ids=[p.__name__ for p, _ in PLANTED])
def test_what_a_stranger_planted_is_refused(shared, option, plant, said):
    directory, victim = shared
    path = directory / "out"
    try:
        plant(path, victim)
    except PermissionError as e:
        pytest.skip(f"cannot be made here: {e}")
    before = os.lstat(path)
    r = watch("--for", "200ms", option, str(path))
    assert r.returncode == 2 and r.stderr == f"halfopen: {path}: cannot be written: {r.stderr.split(': ', 3)[3]}"
    assert said in r.stderr, r.stderr
    after = os.lstat(path)
    assert victim.read_text() == "precious\n" and not (victim.parent / "made").exists()
    assert (before.st_mode, before.st_uid, before.st_size) == (after.st_mode, after.st_uid, after.st_size)


def test_a_link_on_the_way(shared):
    """A stranger's is refused, ours is followed."""
    directory, victim = shared
    link = directory / "logs"
    link.symlink_to(victim.parent)
    assert watch("-r", RECORDING, "-o", f"{link}/../{victim.parent.name}/ours").returncode == 0
    assert (victim.parent / "ours").stat().st_size > 0
    os.lchown(link, NOBODY, NOBODY)
    for name in ("made", "victim"):
        r = watch("-r", RECORDING, "-o", f"{link}/{name}")
        assert r.returncode == 2 and "it is a link that belongs to another user" in r.stderr, r
    assert victim.read_text() == "precious\n" and not (victim.parent / "made").exists()
    loop = directory / "loop"
    loop.symlink_to(loop)
    r = watch("-r", RECORDING, "-o", str(loop))
    assert r.returncode == 2 and "Too many levels of symbolic links" in r.stderr


def test_a_foreign_file_anywhere(tmp_path):
    path = tmp_path / "out"
    foreign_file(path, None)
    r = watch("--for", "200ms", "-o", str(path))
    assert r.returncode == 2 and "it belongs to another user" in r.stderr
    assert path.read_text() == "theirs\n"


def test_what_is_ours_is_written(shared, tmp_path):
    """New files, our own, our own links in a shared directory, devices and descriptors."""
    directory, victim = shared
    out = directory / "out"
    assert watch("-r", RECORDING, "-o", str(out)).returncode == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    whole = out.read_text()
    assert whole.count("\n") > 1
    assert watch("-r", RECORDING, "-o", str(out)).returncode == 0 and out.read_text() == whole
    link = directory / "link"
    link.symlink_to("new")      # relative, and nothing is there yet
    assert watch("-r", RECORDING, "-o", str(link)).returncode == 0
    assert (directory / "new").read_text() == whole
    assert watch("-r", RECORDING, "-o", "/dev/null").returncode == 0
    for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"):
        assert watch("-r", RECORDING, "-o", name).stdout == whole
    tail = tmp_path / "tail"
    tail.write_text("before\n")
    with open(tail, "a") as f:      # what we were started with is not ours to empty
        r = subprocess.run([HALFOPEN, "watch", "--json", "-r", RECORDING, "-o", "/dev/stdout"], stdout=f)
    assert r.returncode == 0 and tail.read_text() == "before\n" + whole
    ours, theirs = socket.socketpair()
    with ours:
        r = subprocess.run([HALFOPEN, "watch", "--json", "-r", RECORDING, "-o", "/dev/stdout"],
                           stdout=theirs)
        theirs.close()
        assert r.returncode == 0 and ours.makefile().read() == whole


def test_two_do_not_write_one_file(tmp_path):
    path = tmp_path / "out"
    first = subprocess.Popen([HALFOPEN, "watch", "--json", "-o", str(path)])
    try:
        wait_until(lambda: path.exists() and path.stat().st_size, 20, "the first line")
        r = watch("--for", "200ms", "-w", str(path))
        assert r.returncode == 2 and "another program is writing it" in r.stderr
    finally:
        first.terminate()
        assert first.wait(60) == 0
    for line in path.read_text().splitlines():
        json.loads(line)


# ---- read and written ----

def names_of(path, tmp_path):
    """The same file by other names."""
    os.link(path, tmp_path / "hard")
    (tmp_path / "soft").symlink_to(path)
    return [str(path), str(tmp_path / "hard"), str(tmp_path / "soft"), f"{tmp_path}/./{path.name}"]


@pytest.mark.parametrize("suffix", [".ho", ".ho.zst"])
@pytest.mark.parametrize("command", ["-r {one} -o {other}", "-r - -o {other}", "-r /dev/stdin -o {other}",
                                     "-w {one} -o {other} --for 200ms",
                                     "--peers pseudonym --peers-key {one} -o {other} --for 200ms",
                                     "--peers pseudonym --peers-key {one} -w {other} --for 200ms",
                                     "--identities {one} -w {other} --for 200ms",
                                     "--identities {one} -o {other} --for 200ms"])
def test_no_file_is_read_and_written(tmp_path, command, suffix):
    path = tmp_path / f"file{suffix}"
    if suffix == ".ho":
        path.write_bytes(subprocess.run(["zstd", "-dc", RECORDING], capture_output=True).stdout)
    else:
        shutil.copy(RECORDING, path)
    before = digest(path)
    for other in names_of(path, tmp_path):
        with open(path) as f:
            r = watch(*command.format(one=path, other=other).split(), stdin=f)
        assert r.returncode == 2 and "cannot be both" in r.stderr, (other, r)
        assert digest(path) == before and r.stdout == ""


def test_a_recording_is_not_appended_to_itself(tmp_path):
    path = tmp_path / "x.ho.zst"
    shutil.copy(RECORDING, path)
    before = digest(path)
    with open(path, "a") as f:
        r = subprocess.run([HALFOPEN, "watch", "--json", "-r", str(path)], stdout=f,
                           stderr=subprocess.PIPE, text=True, timeout=60)
    assert r.returncode == 2 and "cannot be both" in r.stderr and digest(path) == before


def test_the_older_half_replaces_nothing_of_ours(tmp_path):
    out = tmp_path / "x.old.ho"
    out.write_text("earlier\n")
    r = watch("--for", "200ms", "-w", str(tmp_path / "x.ho"), "--record-max", "1MB", "-o", str(out))
    assert r.returncode == 2 and "the recording's older half" in r.stderr, r.stderr
    assert out.read_text() == "earlier\n"


# ---- the socket of identities ----

def identities(path, *more):
    return watch("--identities", f"unix:{path}", "--for", "300ms", *more)


def test_a_living_socket_is_never_unlinked(tmp_path):
    path = str(tmp_path / "socket")
    for kind, listens in ((socket.SOCK_STREAM, True), (socket.SOCK_STREAM, False),
                          (socket.SOCK_DGRAM, False), (socket.SOCK_SEQPACKET, True)):
        with socket.socket(socket.AF_UNIX, kind) as living:
            living.bind(path)
            if listens:
                living.listen(1)
            inode = os.stat(path).st_ino
            r = identities(path)
            assert r.returncode == 2 and "another program" in r.stderr, (kind, listens, r)
            assert os.stat(path).st_ino == inode
        os.unlink(path)


def test_a_full_backlog_is_alive(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as living, contextlib.ExitStack() as stack:
        living.bind(path)
        living.listen(0)
        for _ in range(3):
            s = stack.enter_context(socket.socket(socket.AF_UNIX))
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                s.connect(path)
        r = identities(path)
        assert r.returncode == 2 and "another program" in r.stderr and os.path.exists(path)


def test_what_a_killed_run_left_is_replaced(tmp_path):
    path = tmp_path / "socket"
    bound_socket(path, None)
    assert identities(path).returncode == 0 and not path.exists()
    for make in (lambda: path.write_text("a file\n"), lambda: path.symlink_to(tmp_path / "other")):
        make()
        bound_socket(tmp_path / "other", None)
        r = identities(path)
        assert r.returncode == 2 and os.path.lexists(path) and (tmp_path / "other").exists(), r
        os.unlink(path)
        os.unlink(tmp_path / "other")


def test_only_our_own_is_unlinked_at_the_end(tmp_path):
    path = tmp_path / "socket"
    process = subprocess.Popen([HALFOPEN, "watch", "--json", "--identities", f"unix:{path}"],
                               stdout=subprocess.PIPE)
    process.stdout.readline()
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as another:
        another.bind(str(path))
        another.listen(1)
        process.terminate()
        process.stdout.read()
        assert process.wait(60) == 0
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    process.stdout.close()


# ---- a replay that is interrupted ----

@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_replay_that_waits_is_interrupted(how):
    """Its writer stands still in the midst: what came is told, whole, and that it is not all."""
    whole = subprocess.run(["zstd", "-dc", RECORDING], capture_output=True).stdout
    process = subprocess.Popen([HALFOPEN, "watch", "--json", "--all", "-r", "-"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(whole[:-40])
    process.stdin.flush()
    time.sleep(1)
    process.send_signal(how)
    assert process.wait(60) == 0
    process.stdin.close()
    said, errors = process.stdout.read(), process.stderr.read().decode()
    process.stdout.close()
    process.stderr.close()
    assert "interrupted at byte" in errors and "what comes after it is not told" in errors
    lines = [json.loads(line) for line in said.splitlines()]
    assert [l["seq"] for l in lines] == list(range(len(lines)))


def test_a_replay_whose_reader_stands_still(tmp_path):
    read, write = os.pipe()
    import fcntl
    fcntl.fcntl(write, 1031, 4096)      # F_SETPIPE_SZ
    process = subprocess.Popen([HALFOPEN, "watch", "--json", "--events", "--all", "-r", RECORDING],
                               stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert select.select([read], [], [], 20)[0]
    time.sleep(7)       # it is waited for, for as long as nobody asks for the end
    if process.poll() is not None:
        os.close(read)
        pytest.skip("this recording's lines fit into the smallest pipe")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 1
    said = process.stderr.read()
    process.stderr.close()
    assert "its reader stands still" in said and "lines were not written" in said
    arrived = b""
    while chunk := os.read(read, 65536):
        arrived += chunk
    os.close(read)
    for line in arrived.split(b"\n")[:-1]:
        json.loads(line)


# ---- SIGHUP ----

def told(key, path):
    with open(path) as f:
        return f'"cookie":"{key}"' in f.read()


def live(lab):
    gateway, device = lab.connect()
    key = cookie(gateway)
    device.close()
    gateway.close()
    return key


def rotate(lab, process, paths, number):
    for path in paths:
        os.rename(path, f"{path}.{number}")
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: all(os.path.exists(p) for p in paths), 20, "new files")


@pytest.mark.parametrize("suffix", ["", ".zst"])
def test_rotation_loses_nothing(lab, suffix):
    """Again and again, in the midst of what happens: each line is somewhere, once; each file begins with
    what the rest needs."""
    out, recording = lab.path("out.jsonl" + suffix), lab.path("x.ho" + suffix)
    process = subprocess.Popen([HALFOPEN, "watch", "--json", "--events", "--all", "-o", out, "-w",
                                recording, f"netns = {lab.gateway.inode}"], stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    lab.end_process(process)
    wait_until(lambda: os.path.exists(out) and os.path.getsize(out), 20, "the first line")
    keys = []
    for number in range(1, 5):
        keys += [live(lab) for _ in range(30)]
        rotate(lab, process, [out, recording], number)
        keys += [live(lab) for _ in range(30)]
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0 and process.stderr.read() == ""
    process.stderr.close()

    def content(path):
        if not suffix:
            with open(path) as f:
                return f.read()
        return subprocess.run(["zstd", "-dc", path], capture_output=True, text=True, check=True).stdout
    seqs, replayed = [], ""
    for number in (1, 2, 3, 4, None):
        ending = f".{number}" if number else ""
        lines = [json.loads(line) for line in content(out + ending).splitlines()]
        assert lines and lines[0]["schema"] == "halfopen.meta/1"
        seqs += [line["seq"] for line in lines]
        r = watch("--all", "-r", recording + ending)
        assert r.returncode == 0 and r.stderr == "", r.stderr
        replayed += r.stdout
    assert seqs == list(range(len(seqs)))
    assert all(f'"cookie":"{key}"' in replayed for key in keys)


def test_rotation_that_cannot_be(lab):
    """Where the new file cannot be opened, that is said, and the old one is written on."""
    directory = lab.path("logs")
    os.mkdir(directory)
    out, recording = f"{directory}/out.jsonl", f"{directory}/x.ho"
    process = subprocess.Popen([HALFOPEN, "watch", "--json", "--events", "--all", "-o", out, "-w",
                                recording, f"netns = {lab.gateway.inode}"], stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    lab.end_process(process)
    wait_until(lambda: os.path.exists(out) and os.path.getsize(out), 20, "the first line")
    os.rename(directory, directory + ".moved")
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    key = live(lab)
    wait_until(lambda: told(key, f"{directory}.moved/out.jsonl"), 20, "what happens then")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    said = process.stderr.read()
    process.stderr.close()
    for path in (out, recording):
        assert said.count(f"{path}: cannot be opened anew: No such file or directory") == 1, said
    r = watch("--all", "-r", f"{directory}.moved/x.ho")
    assert r.returncode == 0 and r.stderr == "" and f'"cookie":"{key}"' in r.stdout


def test_a_file_that_was_cut_off_goes_on_at_its_new_end(lab):
    """logrotate's copytruncate: no hole of zeros."""
    out = lab.path("out.jsonl")
    process = subprocess.Popen([HALFOPEN, "watch", "--json", "--events", "--all", "-o", out,
                                f"netns = {lab.gateway.inode}"], start_new_session=True)
    lab.end_process(process)
    wait_until(lambda: os.path.exists(out) and os.path.getsize(out), 20, "the first line")
    os.truncate(out, 0)
    key = live(lab)
    wait_until(lambda: told(key, out), 20, "what happens then")
    with open(out, "rb") as f:
        assert b"\0" not in f.read()
    process.terminate()
    assert process.wait(60) == 0


def test_sighup_ends_a_watch_without_files_whose_reader_stands_still(lab):
    read, write = os.pipe()
    import fcntl
    fcntl.fcntl(write, 1031, 4096)
    process = subprocess.Popen([HALFOPEN, "watch", "--json", "--events", "--all",
                                f"netns = {lab.gateway.inode}"], stdout=write, stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    lab.end_process(process)
    os.close(write)
    assert select.select([read], [], [], 20)[0]
    for _ in range(100):
        live(lab)
    time.sleep(2)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 1 and "lines were not written" in process.stderr.read()
    process.stderr.close()
    os.close(read)


# ---- disks ----

@contextlib.contextmanager
def disk(lab, size):
    path = lab.path("disk")
    os.mkdir(path)
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)
    try:
        yield path
    finally:
        run("umount", "-l", path)


@pytest.mark.parametrize("name", ["x.ho", "x.ho.zst"])
def test_a_full_disk_is_said_once(lab, name):
    """And what lies there does not read as whole."""
    with disk(lab, "64k") as path:
        ballast = os.open(f"{path}/ballast", os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while os.write(ballast, b"x" * 1024):
                pass
        os.close(ballast)
        file = f"{path}/{name}"
        r = watch("--all", "-w", file, "--for", "3s", f"netns = {lab.gateway.inode}")
        assert r.returncode == 1 and r.stderr.count("\n") == 1, r.stderr
        assert r.stderr == f"halfopen: {file}: No space left on device\n"
        again = watch("-r", file)
        assert again.returncode == 2 or "cut off" in again.stderr, again


def test_a_read_only_disk(lab):
    with disk(lab, "64k") as path:
        run("mount", "-o", "remount,ro", path)
        for option in ("-o", "-w"):
            r = watch(option, f"{path}/x", "--for", "1s")
            assert r.returncode == 1, r
            assert r.stderr == f"halfopen: {path}/x: cannot be written: Read-only file system\n"
