#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The kernels that operators run, and a small system to boot them with: Debian's own packages,
fetched with an apt state of our own (the system's sources, lists and packages stay as they are)
from wherever this system takes its packages, verified by apt, kept in a cache with their
checksums.

    kernels.py fetch [NAME...]     fetches what the cache lacks
    kernels.py list                names and releases of what the cache holds
"""
import concurrent.futures
import contextlib
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "halfopen", "vm")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# name: (architecture, suite, the package with the image, newest of those that match)
KERNELS = {
    "5.10": ("amd64", "bullseye-security", r"linux-image-5\.10\.0-\d+-cloud-amd64"),
    "6.1": ("amd64", "bookworm-security", r"linux-image-6\.1\.0-\d+-cloud-amd64"),
    "6.12": ("amd64", "trixie-security", r"linux-image-6\.12\.\d+\+deb13-cloud-amd64"),
    "6.18": ("amd64", "trixie-backports", r"linux-image-6\.18\.\d+\+deb13-cloud-amd64"),
    "7.2": ("amd64", "sid", r"linux-binary-7\.2\.\d+\+deb\d+-cloud-amd64"),
    "newest": ("amd64", "trixie-backports",
               r"linux-(?:image|binary|binary-unsigned)-\d+\.\d+\.\d+\+deb\d+-cloud-amd64"),
    "6.1-arm64": ("arm64", "bookworm-security", r"linux-image-6\.1\.0-\d+-cloud-arm64"),
}
# What the lab in the machine needs: its device drivers, links, filters, and what dumps sockets.
MODULES = ("virtio_pci", "virtio_blk", "veth", "sch_netem", "nf_tables", "tcp_diag", "af_packet",
           "ipv6")
ROOT_PACKAGES = ("python3", "iproute2", "nftables", "tcpdump", "kmod", "busybox-static")
# To build for another architecture: what the program links with.
SYSROOT_PACKAGES = ("libbpf-dev", "libelf-dev", "zlib1g-dev", "libjansson-dev", "libsodium-dev",
                    "libzstd-dev", "libncurses-dev")


HOST_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine)


def build_directory(architecture):
    """Where make puts what it builds for that architecture."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
    return "build" if architecture == HOST_ARCHITECTURE else f"build/{machine}"


def run(*command, **keywords):
    return subprocess.run(command, check=True, capture_output=True, text=True, **keywords).stdout


def cached(*names):
    return os.path.join(CACHE, *names)


@functools.lru_cache(maxsize=None)
def mirrors():
    """Where this system takes Debian from: (archive, security)."""
    found = {}
    for line in run("apt-get", "indextargets", "--format", "$(SUITE)|$(CODENAME)|$(REPO_URI)",
                    "Created-By: Packages").splitlines():
        suite, codename, uri = line.split("|")
        found.setdefault("security" if "security" in suite + codename else "archive", uri)
    if "archive" not in found:
        sys.exit("kernels.py: apt has no lists of Debian's packages; run apt-get update")
    # a system that follows no security updates: mirrors keep both side by side
    found.setdefault("security", found["archive"].rstrip("/") + "-security")
    return found["archive"], found["security"]


class Apt:
    """apt with a state of its own. With no packages installed, downloading a package brings
    everything it depends on."""

    def __init__(self, name, architecture, suites):
        self.directory = cached("apt", name)
        for sub in ("lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(self.directory, sub), exist_ok=True)
        archive, security = mirrors()
        open(self.path("status"), "w").close()
        with open(self.path("sources.list"), "w") as f:
            for suite in suites:
                uri = security if suite.endswith("-security") else archive
                f.write(f"deb [signed-by={KEYRING}] {uri} {suite} main\n")
        with open(self.path("apt.conf"), "w") as f:
            f.write(f'Dir::Etc::SourceList "{self.path("sources.list")}";\n'
                    'Dir::Etc::SourceParts "-";\n'
                    f'Dir::State::Lists "{self.path("lists")}";\n'
                    f'Dir::State::status "{self.path("status")}";\n'
                    f'Dir::Cache "{self.path("cache")}";\n'
                    f'APT::Architecture "{architecture}";\n'
                    f'APT::Architectures "{architecture}";\n'
                    'APT::Install-Recommends "false";\n'
                    'APT::Sandbox::User "root";\n'
                    'Acquire::Languages "none";\nAcquire::Retries "3";\n')
        self.environment = dict(os.environ, APT_CONFIG=self.path("apt.conf"))

    def path(self, name):
        return os.path.join(self.directory, name)

    def update(self):
        run("apt-get", "-q", "update", env=self.environment)

    def names(self):
        return run("apt-cache", "pkgnames", "linux-", env=self.environment).split()

    def download(self, packages, into, with_dependencies=False):
        """The paths of the packages' files."""
        os.makedirs(into, exist_ok=True)
        if with_dependencies:
            run("apt-get", "-q", "-y", "-d", "-o", f"Dir::Cache::archives={into}", "install",
                *packages, env=self.environment)
        else:
            run("apt-get", "-q", "download", *packages, env=self.environment, cwd=into)
        return sorted(os.path.join(into, name) for name in os.listdir(into)
                      if name.endswith(".deb"))


def record_checksums(files):
    with open(cached("SHA256SUMS"), "a") as sums:
        for path in files:
            with open(path, "rb") as f:
                digest = hashlib.sha256(f.read()).hexdigest()
            sums.write(f"{digest}  {os.path.basename(path)}\n")


def unpack(files, into):
    for path in files:
        run("dpkg-deb", "-x", path, into)


def by_version(name):
    return [int(part) for part in re.findall(r"\d+", name)]


def extract_elf(image):
    """The ELF file that a compressed kernel image unpacks at boot; an arm64 image is itself."""
    for magic, tool in ((b"\x28\xb5\x2f\xfd", "zstd"), (b"\x02!L\x18", "lz4"),
                        (b"\xfd7zXZ\x00", "xz"), (b"\x1f\x8b\x08", "gzip")):
        at = image.find(magic)
        while at >= 0:
            # what follows the compressed part makes the tool fail after it has done its work
            elf = subprocess.run([tool, "-dc"], input=image[at:], capture_output=True).stdout
            if elf[:4] == b"\x7fELF" and len(elf) > 10 << 20:
                return elf
            at = image.find(magic, at + 1)
    return image


def find_btf(image):
    """The kernel's own type information: struct btf_header (magic, version 1, flags 0, length
    24, offsets and lengths of types and strings), and strings right behind the types."""
    at = -1
    while True:
        at = image.find(b"\x9f\xeb\x01\x00\x18\x00\x00\x00", at + 1)
        if at < 0:
            return None
        type_off, type_len, str_off, str_len = (
            int.from_bytes(image[at + 8 + 4 * i:at + 12 + 4 * i], "little") for i in range(4))
        if type_off == 0 and str_off == type_len > 1 << 20:
            return image[at:at + 24 + str_off + str_len]


def install_kernel(name, packages, directory):
    """vmlinuz, btf, release and the modules of the lab, from unpacked packages."""
    os.makedirs(directory)
    base = next(path for path in (os.path.join(packages, "usr/lib/modules"),
                                  os.path.join(packages, "lib/modules")) if os.path.isdir(path))
    release, = os.listdir(base)
    images = [os.path.join(packages, "boot", f"vmlinuz-{release}"),
              os.path.join(base, release, "vmlinuz"),
              os.path.join(base, release, "vmlinuz.unsigned")]
    image = next(path for path in images if os.path.exists(path))
    shutil.copy(image, os.path.join(directory, "vmlinuz"))
    with open(image, "rb") as f:
        btf = find_btf(extract_elf(f.read()))
    if not btf:
        raise RuntimeError(f"{name}: no BTF in {os.path.basename(image)}")
    with open(os.path.join(directory, "btf"), "wb") as f:
        f.write(btf)

    whole, kept = os.path.join(packages, "whole"), os.path.join(directory, "modules")
    os.makedirs(os.path.join(whole, "lib"))
    os.rename(base, os.path.join(whole, "lib", "modules"))
    run("depmod", "-b", whole, release)
    for module in MODULES:
        shown = subprocess.run(["modprobe", "-d", whole, "-S", release, "--show-depends", module],
                               capture_output=True, text=True).stdout
        for path in re.findall(r"^insmod (\S+)", shown, re.M):
            to = os.path.join(kept, os.path.relpath(path, whole))
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copy(path, to)
            for ending, tool in ((".xz", "xz"), (".zst", "zstd")):
                if to.endswith(ending):     # the small Debian's modprobe stumbles over some
                    run(tool, "-q", "-d", "-f", to)
    for listed in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
        path = os.path.join(whole, "lib/modules", release, listed)
        if os.path.exists(path):
            shutil.copy(path, os.path.join(kept, "lib/modules", release, listed))
    run("depmod", "-b", kept, release)
    with open(os.path.join(directory, "release"), "w") as f:
        f.write(release + "\n")


def once(target, make):
    """Makes the directory `target` by make(work), whole or not at all."""
    if os.path.exists(target):
        return
    work = f"{target}.{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    try:
        make(work)
        os.rename(os.path.join(work, "result"), target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def fetch_kernel(name, apt):
    _, _, pattern = KERNELS[name]

    def make(work):
        # From 7.x on linux-image only depends on linux-binary, which has the image.
        found = sorted((p for p in apt.names() if re.fullmatch(pattern, p)),
                       key=lambda p: (by_version(p), "-image-" not in p, p))
        if not found:
            raise RuntimeError(f"{name}: Debian has no package that matches {pattern}")
        packages = [found[-1]]
        split = re.fullmatch(r"linux-binary(?:-unsigned)?-(.*)", found[-1])
        if split:
            packages += [f"linux-modules-{split[1]}", f"linux-base-{split[1]}"]
        files = apt.download(packages, os.path.join(work, "debs"))
        record_checksums(files)
        unpack(files, os.path.join(work, "packages"))
        install_kernel(name, os.path.join(work, "packages"), os.path.join(work, "result"))

    once(cached("kernels", name), make)


def fetch_root(architecture):
    """A small Debian 12 for that architecture, unpacked."""
    def make(work):
        apt = Apt(f"root-{architecture}", architecture, ("bookworm", "bookworm-security"))
        apt.update()
        files = apt.download(ROOT_PACKAGES, os.path.join(work, "debs"), with_dependencies=True)
        record_checksums(files)
        unpack(files, os.path.join(work, "result"))
        for useless in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl",
                        "usr/lib/python3.11/idlelib", "usr/lib/python3.11/test",
                        "usr/lib/python3/dist-packages", "var/lib", "usr/share/info"):
            shutil.rmtree(os.path.join(work, "result", useless), ignore_errors=True)

    once(cached("roots", architecture), make)


def fetch_sysroot(architecture):
    """Headers and libraries to link the program with, beside Debian's own cross compiler."""
    def make(work):
        apt = Apt(f"sysroot-{architecture}", architecture, ("bookworm", "bookworm-security"))
        apt.update()
        files = apt.download(SYSROOT_PACKAGES, os.path.join(work, "debs"))
        record_checksums(files)
        unpack(files, os.path.join(work, "result"))
        with open(os.path.join(work, "result", "packages"), "w") as f:
            f.write(wanted)

    # What was fetched for an earlier version of the program may lack a library.
    wanted, there = " ".join(SYSROOT_PACKAGES), cached("sysroots", architecture)
    with contextlib.suppress(OSError), open(os.path.join(there, "packages")) as f:
        if f.read() == wanted:
            return
    shutil.rmtree(there, ignore_errors=True)
    once(there, make)


def fetch(names):
    os.makedirs(cached("kernels"), exist_ok=True)
    os.makedirs(cached("roots"), exist_ok=True)
    os.makedirs(cached("sysroots"), exist_ok=True)
    apts, failed = {}, []
    for name in names:
        architecture, suite, _ = KERNELS[name]
        if not os.path.exists(cached("kernels", name)):
            apts.setdefault((architecture, suite), None)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for key in apts:
            apts[key] = Apt("-".join(key), key[0], (key[1],))
        list(pool.map(Apt.update, apts.values()))
        jobs = {pool.submit(fetch_kernel, name, apts.get(KERNELS[name][:2])): name
                for name in names}
        for architecture in {KERNELS[name][0] for name in names}:
            jobs[pool.submit(fetch_root, architecture)] = f"root for {architecture}"
        if any(KERNELS[name][0] == "arm64" for name in names):
            jobs[pool.submit(fetch_sysroot, "arm64")] = "sysroot for arm64"
        for job in concurrent.futures.as_completed(jobs):
            try:
                job.result()
            except (OSError, RuntimeError, ValueError, StopIteration,
                    subprocess.CalledProcessError) as e:
                why = getattr(e, "stderr", None) or str(e)
                failed.append(f"{jobs[job]}: {(why.strip() or repr(e)).splitlines()[-1]}")
    for line in failed:
        print(f"kernels.py: {line}", file=sys.stderr)
    return not failed


def release(name):
    """The release of a kernel in the cache, None if it is not there."""
    try:
        with open(cached("kernels", name, "release")) as f:
            return f.read().strip()
    except FileNotFoundError:
        return None


def main():
    if sys.argv[1:2] == ["list"]:
        for name in KERNELS:
            print(f"{name:10} {release(name) or '(not fetched)'}")
        return 0
    if sys.argv[1:2] != ["fetch"] or not set(sys.argv[2:]) <= set(KERNELS):
        print(__doc__, file=sys.stderr)
        return 2
    return 0 if fetch(sys.argv[2:] or list(KERNELS)) else 1


if __name__ == "__main__":
    sys.exit(main())
