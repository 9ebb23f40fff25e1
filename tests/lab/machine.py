# SPDX-License-Identifier: GPL-2.0
"""A machine of the test's own: systemd as process 1 of namespaces of its own (mounts, processes,
network, host name, control groups), over this host's files, of which it changes none."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

import pytest

from lab import HALFOPEN, ROOT, wait_until

SYSTEMD = "/lib/systemd/systemd"

# As process 1 of the new namespaces: $1 is an empty directory, $2 what else is to be seen in there.
BEGIN = r"""
set -eu
exec 2>"$3/boot.err"
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
for d in $2; do mkdir -p ".$d" && mount --bind "$d" ".$d"; done
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for d in null zero full random urandom tty; do : >"dev/$d"; mount --bind "/dev/$d" "dev/$d"; done
# one hierarchy, or as systemd's "hybrid" has them
if [ "$4" = unified ]; then
	mount -t cgroup2 cgroup2 sys/fs/cgroup
else
	mount -t tmpfs tmpfs sys/fs/cgroup
	mkdir sys/fs/cgroup/systemd sys/fs/cgroup/unified
	mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
	mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
fi
mkdir -p run/systemd/system run/old
# nothing of this host's own units: they would set sysctls and load modules
for t in sysinit basic shutdown lab other; do
	printf '[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n' >run/systemd/system/$t.target
done
ip link set lo up
pivot_root . run/old
umount -l /run/old
exec env -i container=x SYSTEMD_UNIT_PATH=/run/systemd/system:/run/systemd/transient \
	SYSTEMD_GENERATOR_PATH=/nowhere PATH=/usr/sbin:/usr/bin:/sbin:/bin "$5" --system --unit=lab.target \
	--log-target=null </dev/null >/dev/null 2>&1
"""


def mounted():
    """Lines of /proc/self/mounts, split; others' names may be of any bytes."""
    with open("/proc/self/mounts", "rb") as f:
        return [[os.fsdecode(word) for word in line.split(b" ")] for line in f.read().split(b"\n") if line]


def hierarchies():
    """Where the control groups are that systemd wants: one directory, or two."""
    mounts = mounted()
    unified = [m[1] for m in mounts if m[2] == "cgroup2"]
    named = [m[1] for m in mounts if m[2] == "cgroup" and "name=systemd" in m[3].split(",")]
    if not unified:
        pytest.skip("no cgroup2 is mounted here: systemd cannot run")
    return named[:1] + unified[:1]


class Machine:
    """`run` runs a command in there; `halfopen` is process 1's neighbour, in no unit. What lies in
    `directory` is the same inside and outside."""

    def __init__(self, directory):
        if not os.access(SYSTEMD, os.X_OK):
            pytest.skip(f"no {SYSTEMD} here: apt-get install systemd")
        parents = hierarchies()
        self.directory = directory
        self.cleanup = contextlib.ExitStack()
        self.root = tempfile.mkdtemp(prefix="halfopen-machine-")
        self.cleanup.callback(os.rmdir, self.root)
        self.cgroups = []
        for parent in parents:
            path = os.path.join(parent, f"halfopen-{os.path.basename(self.root)}")
            try:
                os.mkdir(path)
            except OSError as e:
                self.cleanup.close()
                pytest.skip(f"no control group of one's own for systemd: {e}")
            self.cgroups.append(path)
            self.cleanup.callback(self.remove_cgroup, path)
        self.boot()

    def boot(self):
        seen = {ROOT, self.directory, os.path.dirname(os.path.realpath(HALFOPEN))}
        enter = "".join(f'echo 0 >"{path}/cgroup.procs"; ' for path in self.cgroups)
        self.process = subprocess.Popen(
            ["sh", "-c", enter + 'exec unshare -m -u -i -n -p -C -f --kill-child sh -c "$@"', "sh",
             BEGIN, "sh", self.root, " ".join(sorted(seen)), self.directory,
             "unified" if len(self.cgroups) == 1 else "hybrid", SYSTEMD],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.cleanup.callback(self.power_off)
        try:
            self.pid = wait_until(self.find_init, 30, "process 1 of the machine")
            wait_until(self.is_up, 60, "systemd in the machine")
        except AssertionError as e:
            with open(os.path.join(self.directory, "boot.err")) as f:
                said = f.read().strip()
            self.cleanup.close()
            pytest.skip(f"systemd does not run here: {said or e}")

    def find_init(self):
        if self.process.poll() is not None:
            raise AssertionError(f"exit code {self.process.returncode}")
        with contextlib.suppress(OSError), \
                open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            return next((int(pid) for pid in f.read().split()), None)
        return None

    def is_up(self):
        self.find_init()
        with open(f"/proc/{self.pid}/comm") as f:
            if f.read() != "systemd\n":
                return False
        return self.run("systemctl", "is-active", "lab.target").stdout == "active\n"

    def command(self, *command):
        return ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "-C", "--", *command]

    def run(self, *command, timeout=60, **keywords):
        return subprocess.run(self.command(*command), capture_output=True, text=True,
                              timeout=timeout, **keywords)

    def power_off(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)    # unshare takes the whole machine along
        self.process.wait(60)

    @staticmethod
    def remove_cgroup(path):
        def remove():
            for directory, _, _ in os.walk(path, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)
            return not os.path.exists(path)
        wait_until(remove, 20, f"the end of all processes in {path}")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.cleanup.close()
