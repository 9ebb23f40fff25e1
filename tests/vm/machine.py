# SPDX-License-Identifier: GPL-2.0
"""A virtual machine that boots one of the kernels with our program and our lab in it, under
QEMU's software emulation, and gives back the files that the scenario left."""
import io
import os
import shutil
import subprocess
import tarfile
import tempfile

import kernels

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DISK_BYTES = 32 << 20

QEMU = {
    "amd64": ("qemu-system-x86_64", "-M", "q35", "-cpu", "max"),
    "arm64": ("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72"),
}
CONSOLE = {"amd64": "ttyS0", "arm64": "ttyAMA0"}


def program(architecture):
    return os.path.join(ROOT, kernels.build_directory(architecture), "halfopen-static")


def pack(directory):
    """A directory as a cpio archive, as the kernel unpacks one at boot."""
    names = subprocess.run(["find", ".", "-mindepth", "1", "-print0"], cwd=directory, check=True,
                           capture_output=True).stdout
    return subprocess.run(["cpio", "--quiet", "-0", "-o", "-H", "newc", "-R", "0:0"],
                          input=names, cwd=directory, check=True, capture_output=True).stdout


def packed_root(architecture):
    """The small Debian as a cpio archive, kept beside it."""
    path = kernels.cached("roots", architecture)
    packed = path + ".cpio"
    if not os.path.exists(packed):
        with open(f"{packed}.{os.getpid()}", "wb") as f:
            f.write(pack(path))
        os.rename(f.name, packed)
    return packed


def overlay(architecture, directory):
    """What is ours in the machine."""
    shutil.copy(program(architecture), os.path.join(directory, "halfopen"))
    shutil.copy(os.path.join(HERE, "init"), os.path.join(directory, "init"))
    for name in ("vm/scenario.py", "lab/lab.py", "lab/forge.py", "lab/records.py", "lab/router.py",
                 "lab/segments.py"):
        to = os.path.join(directory, "tests", name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy(os.path.join(ROOT, "tests", name), to)
    for name in ("proc", "sys", "dev"):
        os.mkdir(os.path.join(directory, name))
    os.mkdir(os.path.join(directory, "etc"))
    with open(os.path.join(directory, "etc", "passwd"), "w") as f:
        f.write("root:x:0:0:root:/root:/bin/sh\n")
    with open(os.path.join(directory, "modules"), "w") as f:
        f.write("\n".join(kernels.MODULES) + "\n")


class Result:
    def __init__(self, console, files):
        self.console, self.files = console, files
        self.passed = "RESULT rc=0" in console


def boot(name, parameters="", timeout=240):
    """Boots kernel `name` and returns its Result."""
    architecture = kernels.KERNELS[name][0]
    with tempfile.TemporaryDirectory(prefix="halfopen-vm-") as work:
        ours, initrd, disk, log = (os.path.join(work, n) for n in ("ours", "initrd", "disk", "log"))
        os.mkdir(ours)
        overlay(architecture, ours)
        with open(initrd, "wb") as f:
            with open(packed_root(architecture), "rb") as root:
                shutil.copyfileobj(root, f)
            f.write(pack(kernels.cached("kernels", name, "modules")))
            f.write(pack(ours))
        with open(disk, "wb") as f:
            f.truncate(DISK_BYTES)
        subprocess.run(
            ["timeout", str(timeout), *QEMU[architecture], "-accel", "tcg,thread=multi", "-m", "1G",
             "-smp", "2", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
             "-serial", f"file:{log}", "-drive", f"file={disk},format=raw,if=virtio",
             "-kernel", kernels.cached("kernels", name, "vmlinuz"), "-initrd", initrd,
             "-append", f"console={CONSOLE[architecture]} quiet panic=-1 mitigations=off "
             + parameters], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        with open(log, errors="replace") as f:
            console = f.read()
        with open(disk, "rb") as f:
            image = f.read()
    files = {}
    if "RESULT" in console:
        with tarfile.open(fileobj=io.BytesIO(image)) as tar:
            for member in tar:
                if member.isfile():
                    files[os.path.basename(member.name)] = tar.extractfile(member).read()
    return Result(console, files)
