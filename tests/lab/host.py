# SPDX-License-Identifier: GPL-2.0
"""What the lab needs of a host, found out by trying; and what a lab that was killed left on it."""
import contextlib
import glob
import os
import re
import shutil
import signal
import subprocess

from lab import HALFOPEN

PROGRAMS = ("ip", "nft", "ss", "nstat", "conntrack", "tcpdump", "tshark", "unshare", "nsenter", "setpriv")
RULES = """table ip lab {
 chain forward { type filter hook forward priority 0; ct state invalid drop; }
 chain nat { type nat hook postrouting priority 100; masquerade; }
}
"""


def refused(*command, **keywords):
    """What a command says as it fails; None if it does not."""
    r = subprocess.run(command, capture_output=True, text=True, **keywords)
    said = (r.stderr.strip() or r.stdout.strip() or f"exit code {r.returncode}").splitlines()[0]
    return f"{' '.join(command[:3])}: {said}" if r.returncode else None


def namespace_lacks(name):
    """The same of a namespace of one's own: a link, a NAT, the program."""
    return (refused("ip", "-n", name, "link", "add", "veth0", "type", "veth", "peer", "name", "veth1") or
            refused("ip", "netns", "exec", name, "nft", "-f", "-", input=RULES))


def watch_lacks():
    r = subprocess.run([HALFOPEN, "watch", "--for", "1s", "sport = :1 and dport = :1"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return r.stderr.strip().splitlines()[0] if r.returncode == 77 else None


def lacks():
    """Why no test of the lab can work here, in one line; None if they can."""
    if os.geteuid():
        return "root is needed, as network namespaces are made"
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        return f"not in PATH: {', '.join(missing)} (scripts/setup test installs them)"
    if not os.access(HALFOPEN, os.X_OK):
        return f"{HALFOPEN} is not there: make"
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError as e:
        return f"no pseudo-terminal: {e.strerror} (is /dev/pts mounted?)"
    name = f"ho{os.getpid()}x"
    why = refused("ip", "netns", "add", name)
    if why:
        return why
    try:
        return namespace_lacks(name) or watch_lacks()
    finally:
        subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


# ---- what was left ----

def is_running(pid):
    return os.path.exists(f"/proc/{pid}")


def kill(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def remove_namespace(name):
    """With the processes in it."""
    kill(subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split())
    subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


def holders(directory):
    """Processes that have files open in it: the watches of a lab."""
    found = set()
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link).startswith(directory + "/"):
                found.add(int(link.split("/")[2]))
    return found - {os.getpid()}


def remove_directory(path):
    """With the processes that write there, and never with what is mounted there."""
    kill(holders(path))
    with open("/proc/self/mounts", errors="surrogateescape") as f:
        mounted = [line.split()[1] for line in f if line.split()[1].startswith(path + "/")]
    for point in reversed(mounted):
        subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL)
    if not any(map(os.path.ismount, mounted)):
        shutil.rmtree(path, ignore_errors=True)


def sweep(of=lambda pid: not is_running(pid)):
    """Removes the namespaces and directories of labs whose process `of` names, as a rule one that runs no
    more (killed, it could not clean up); their names."""
    removed = []
    for path in glob.glob("/run/netns/*") + glob.glob("/tmp/halfopen-lab-*"):
        of_lab = re.match(r"(halfopen-lab-)?(?:ho|demo)(\d+)x", os.path.basename(path))
        if of_lab and of(int(of_lab[2])):
            if of_lab[1]:
                remove_directory(path)
            else:
                remove_namespace(os.path.basename(path))
            removed.append(path)
    return removed
