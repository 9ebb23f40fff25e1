# SPDX-License-Identifier: GPL-2.0
"""apply and revert change the namespace that was meant, and nothing that somebody else wrote: values,
files of sysctl.d, what is saved of other namespaces."""
import contextlib
import json
import os
import re
import socket
import subprocess

import pytest

from at_work import at_work
from guards import guards, kill_guards
from lab import HALFOPEN, Lab, Namespace, bound, inside, run, wait_until
from test_addresses import Tenant, address, netns_cookie
from test_apply import apply, halfopen, revert, values

OURS = "90-halfopen.conf"
HEADER = "# Written by 'halfopen apply --persist'; 'halfopen revert' removes it.\n"


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab
        kill_guards(lab)


def state_of(netns):
    return f"applied-{netns.inode}"


# ---- a host of the test's own ----

class Host:
    """Namespaces of its own with a process 1, /etc/sysctl.d and boot id: what a boot starts anew."""

    def __init__(self, lab):
        self.lab, self.boots = lab, 0
        self.sysctl_d, self.state = lab.path("sysctl.d"), lab.path("state")
        os.mkdir(self.sysctl_d)
        self.boot_id = lab.path("boot_id")
        self.reboot()

    def reboot(self):
        self.boots += 1
        with open(self.boot_id, "w") as f:
            f.write(f"{self.boots:08x}-0000-4000-8000-000000000000\n")

    def run(self, script, code=0):
        """`halfopen VERB ...` in it knows the state directory; `keepalive` tells the values. Each call
        has a new network namespace, into which sysctl.d is read as at boot."""
        r = subprocess.run(
            ["unshare", "-n", "-m", "-p", "-f", "--mount-proc", "--propagation", "private", "sh", "-c", f"""
            set -e
            mount --bind {self.sysctl_d} /etc/sysctl.d
            mount --bind {self.boot_id} /proc/sys/kernel/random/boot_id
            halfopen() {{ verb=$1; shift; "{HALFOPEN}" $verb --state {self.state} "$@"; }}
            keepalive() {{ echo $(sysctl -n net.ipv4.tcp_keepalive_time net.ipv4.tcp_keepalive_intvl \\
                                 net.ipv4.tcp_keepalive_probes); }}
            for f in /etc/sysctl.d/*.conf; do test ! -f "$f" || sysctl -q -p "$f"; done
            {script}"""], capture_output=True, text=True, timeout=60)
        assert r.returncode == code, r
        return r

    def file(self):
        path = os.path.join(self.sysctl_d, OURS)
        if not os.path.lexists(path):
            return None
        with open(path) as f:
            return f.read()

    def write_file(self, text):
        with open(os.path.join(self.sysctl_d, OURS), "w") as f:
            f.write(text)


@pytest.fixture
def host(lab):
    return Host(lab)


def test_only_what_was_asked_for_outlives_a_boot(host):
    host.run("halfopen apply --idle 240 --persist --yes")
    assert host.file() == HEADER + "net.ipv4.tcp_keepalive_time = 240\n"
    host.reboot()
    r = host.run("keepalive; halfopen apply --probes 5 --persist --yes >/dev/null; keepalive")
    assert r.stdout.splitlines() == ["240 75 9", "240 75 5"]
    assert host.file() == HEADER + "net.ipv4.tcp_keepalive_time = 240\nnet.ipv4.tcp_keepalive_probes = 5\n"
    host.reboot()
    r = host.run("halfopen revert; keepalive")
    assert r.stdout.splitlines()[-1] == "7200 75 9" and host.file() is None


def test_after_a_boot_revert_knows_its_own_values(host):
    """The file says another value than the last change, which was not to last."""
    host.run("halfopen apply --idle 240 --persist --yes; halfopen apply --idle 120 --interval 30 --yes")
    host.reboot()
    r = host.run("keepalive; halfopen revert; keepalive")
    assert r.stdout.splitlines()[0] == "240 75 9" and r.stdout.splitlines()[-1] == "7200 75 9"
    assert "somebody else" not in r.stdout and host.file() is None


def test_a_host_is_known_by_another_inode(host):
    """Each boot of it has another one."""
    first = host.run("halfopen apply --idle 240 --persist --yes; stat -Lc %i /proc/self/ns/net").stdout
    for _ in range(2):
        host.reboot()
        keep = Namespace(host.lab.gateway.name + f"k{host.boots}")     # takes the inode that was free
        host.lab.cleanup.callback(keep.delete)
    r = host.run("stat -Lc %i /proc/self/ns/net; halfopen revert; keepalive")
    assert r.stdout.splitlines()[0] != first.splitlines()[-1]
    assert "240 -> 7200" in r.stdout and r.stdout.splitlines()[-1] == "7200 75 9"


def test_a_boot_ends_what_was_not_persistent(host):
    host.run("halfopen apply --idle 240 --yes")
    host.reboot()
    r = host.run("keepalive; halfopen revert; halfopen revert --all; keepalive")
    assert r.stdout.splitlines() == ["7200 75 9", "nothing was applied here", "nothing was applied",
                                     "7200 75 9"]


def test_another_namespace_after_a_boot(lab):
    """Of another boot: whoever has its inode now is another one, or has other values."""
    assert apply(lab, "--idle", "240", "--yes").returncode == 0
    with open(lab.path("boot"), "w") as f:
        f.write("00000000-0000-4000-8000-000000000000\n")
    r = revert(lab, wrapper=["unshare", "-m", "sh", "-c", f"mount --bind {lab.path('boot')} "
                             '/proc/sys/kernel/random/boot_id && exec "$0" "$@"'])
    assert r.returncode == 0 and "nothing was applied here" in r.stdout, r
    assert values(lab.gateway)[0] == 240


FOREIGN = ["net.ipv4.tcp_keepalive_time = 99\n", "", HEADER, HEADER + "net.ipv4.tcp_keepalive_time = 99\n",
           HEADER + "net.ipv4.tcp_keepalive_time = 240\nnet.ipv4.tcp_fin_timeout = 9\n"]


@pytest.mark.parametrize("text", FOREIGN, ids=["plain", "empty", "header", "edited", "added"])
def test_somebody_elses_file(host, text):
    """Neither overwritten nor removed, before us or after us."""
    host.write_file(text)
    r = host.run("keepalive; halfopen apply --idle 241 --persist --yes || echo failed $?; keepalive")
    said = r.stdout.splitlines()
    assert said[-2] == "failed 1" and f"/etc/sysctl.d/{OURS}: " in r.stderr, r
    assert host.file() == text and said[0] == said[-1]
    os.unlink(os.path.join(host.sysctl_d, OURS))
    r = host.run(f"""halfopen apply --idle 240 --persist --yes
        printf %s "$(cat <<'EOF'
{text}EOF
)" > /etc/sysctl.d/{OURS}
        halfopen revert || echo failed $?; keepalive""")
    assert r.stdout.splitlines()[-2] == "failed 1" and f"/etc/sysctl.d/{OURS}: " in r.stderr, r
    assert r.stdout.splitlines()[-1] == "7200 75 9"
    assert host.file().strip() == text.strip()


def test_a_file_that_is_masked(host):
    """A link to /dev/null, as administrators do."""
    os.symlink("/dev/null", os.path.join(host.sysctl_d, OURS))
    r = host.run("halfopen apply --idle 240 --persist --yes || echo failed $?; keepalive")
    assert r.stdout.splitlines()[-2:] == ["failed 1", "7200 75 9"], r
    assert os.readlink(os.path.join(host.sysctl_d, OURS)) == "/dev/null"


def test_a_keep_that_fails_keeps_nothing(host):
    host.write_file("# mine\n")
    r = host.run("""halfopen apply --idle 240 --trial 10s --yes >/dev/null
        halfopen apply --keep --persist || echo failed $?
        for i in $(seq 300); do test $(sysctl -n net.ipv4.tcp_keepalive_time) = 7200 && break; sleep 0.1; done
        keepalive; halfopen apply --keep || echo failed $?""")
    assert r.stdout.splitlines() == ["failed 1", "7200 75 9", "failed 1"], r
    assert "nothing is kept: the trial goes on" in r.stderr and host.file() == "# mine\n"


def test_a_keep_that_is_killed_leaves_no_file(host):
    """Wherever it dies: once the trial is over, its values are gone from sysctl.d, too, or it was
    kept whole, and revert takes it back."""
    ends = set()
    for call, numbers in (("rename", (2, 3, 4)), ("fsync", (4,))):
        for when in numbers:
            r = host.run(f"""halfopen apply --idle 240 --trial 8s --yes >/dev/null
                strace -o /dev/null -e trace={call} -e inject={call}:signal=SIGKILL:when={when} \\
                    "{HALFOPEN}" apply --state {host.state} --keep --persist >/dev/null 2>&1 || true
                for i in $(seq 300); do test $(sysctl -n net.ipv4.tcp_keepalive_time) = 7200 && break
                    grep -q '^trial_until 0' {host.state}/applied-$(stat -Lc %i /proc/self/ns/net) && break; sleep 0.1; done
                test $(sysctl -n net.ipv4.tcp_keepalive_time) = 240 || ls /etc/sysctl.d
                keepalive; halfopen revert >/dev/null; keepalive; ls /etc/sysctl.d""")
            lines = r.stdout.splitlines()
            assert lines in (["7200 75 9", "7200 75 9"], ["240 75 9", "7200 75 9"]), (call, when, r)
            ends.add(lines[0])
    assert ends == {"7200 75 9", "240 75 9"}


def test_a_keep_where_sysctl_d_is_not_ours(lab):
    assert apply(lab, "--idle", "240", "--trial", "1h", "--yes").returncode == 0
    r = apply(lab, "--keep", "--persist")
    assert r.returncode == 2 and "nothing is kept: the trial goes on" in r.stderr, r
    assert revert(lab).returncode == 0 and values(lab.gateway)[0] == 7200
    wait_until(lambda: not guards(lab), 30, "the end of the trial's guards")


def test_kept_for_good(host):
    r = host.run("""halfopen apply --idle 240 --interval 20 --trial 1h --yes >/dev/null
        halfopen apply --keep --persist; keepalive""")
    assert r.stdout.splitlines()[-1] == "240 20 9"
    assert host.file() == HEADER + "net.ipv4.tcp_keepalive_time = 240\nnet.ipv4.tcp_keepalive_intvl = 20\n"


@pytest.mark.parametrize("enter", ["ip netns exec {0}", "nsenter --net=/run/netns/{0}",
                                   "ip netns exec {0} unshare -m"])
def test_sysctl_d_is_the_hosts(host, enter):
    """As seen from another namespace; with --netns, too."""
    name = host.lab.gateway.name
    for command in (enter.format(name) + ' "$0" apply', f'"$0" apply --netns {name}'):
        command = command.replace("$0", HALFOPEN)
        r = host.run(f"{command} --state {host.state} --idle 240 --persist --yes || echo failed $?")
        assert r.stdout.splitlines()[-1] == "failed 2", r
        assert "sysctl.d is of the host's own namespace" in r.stderr
    assert host.file() is None and values(host.lab.gateway) == (7200, 75, 9)


def test_a_container_in_the_hosts_namespace(lab):
    """Its sysctl.d is not what the host reads at boot."""
    r = subprocess.run(["unshare", "-m", "-p", "-f", "--mount-proc", HALFOPEN, "apply", "--idle", "7199",
                        "--persist", "--dry-run", "--state", lab.path("state")],
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 2 and "this is a container in the host's namespace" in r.stderr, r


OLD = """halfopen.applied/1
boot {boot}
cookie {cookie}
name {name}
before 7200 75 9
after 240 75 9
before_trial 7200 75 9
trial_until 0
persisted {persisted}
end
"""


def test_what_an_older_version_saved(lab):
    """Before tunables had lines of their own."""
    os.mkdir(lab.path("state"))
    path = os.path.join(lab.path("state"), state_of(lab.gateway))
    with open("/proc/sys/kernel/random/boot_id") as f:
        boot = f.read().strip()
    ours = netns_cookie(lab.gateway.path)
    for cookie, name, said in ((ours, lab.gateway.name, "240 -> 7200"), (ours, "a name", "240 -> 7200"),
                               (ours, "-", "240 -> 7200"), (1, "-", "nothing was applied here")):
        lab.gateway.sysctl(tcp_keepalive_time=240)
        with open(path, "w") as f:
            f.write(OLD.format(boot=boot, cookie=cookie, name=name, persisted=0))
        r = revert(lab)
        assert r.returncode == 0 and said in r.stdout, r
        assert os.listdir(lab.path("state")).count(state_of(lab.gateway)) == 0


def test_what_an_older_version_made_persistent(host):
    host.write_file(HEADER + "".join(f"net.ipv4.tcp_keepalive_{k} = {v}\n" for k, v in
                                     (("time", 240), ("intvl", 75), ("probes", 9))))
    os.mkdir(host.state)
    old = OLD.format(boot="11111111-0000-4000-8000-000000000000", cookie=5, name="-", persisted=1)
    r = host.run(f"""keepalive; cat > {host.state}/applied-$(stat -Lc %i /proc/self/ns/net) <<'EOF'
{old}EOF
        halfopen apply --probes 5 --persist --yes >/dev/null; cat /etc/sysctl.d/{OURS}
        stat -Lc applied-%i /proc/self/ns/net
        ls {host.state}; halfopen revert >/dev/null; keepalive""")
    lines = r.stdout.splitlines()
    assert lines[0] == "240 75 9" and lines[-1] == "7200 75 9" and host.file() is None, r
    assert "net.ipv4.tcp_keepalive_probes = 5" in lines and "net.ipv4.tcp_keepalive_time = 240" in lines
    key, *saved = [l for l in lines if re.fullmatch("applied-[^.]*", l)]
    assert saved == [key]


# ---- containers that share the state directory ----

AS_CONTAINER = ["unshare", "-p", "-f", "--mount-proc"]


@contextlib.contextmanager
def container(lab, netns, idle, *more):
    """Process 1 of its own; applies in its first namespace, and lives on."""
    p = subprocess.Popen(
        ["ip", "netns", "exec", netns.name, *AS_CONTAINER, "sh", "-c", '"$@" && echo done; cat', "sh", HALFOPEN,
         "apply", "--idle", str(idle), "--yes", "--state", lab.path("state"), *more],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        said = []
        while not said or said[-1] not in ("done\n", ""):
            said.append(p.stdout.readline())
        assert said[-1] == "done\n", said
        yield p
    finally:
        p.stdin.close()
        p.stdout.close()
        p.wait(60)


def test_containers_know_nothing_of_each_other(lab):
    """The trial of one ends, whatever the other applies; and the host finds both."""
    with container(lab, lab.gateway, 100, "--trial", "15s"), container(lab, lab.device, 200):
        assert sorted(f for f in os.listdir(lab.path("state")) if re.fullmatch("applied-[^.]*", f)) == sorted(
            [state_of(lab.gateway), state_of(lab.device)])
        r = apply(lab, "--idle", "130", "--trial", "1h", "--yes")
        assert r.returncode == 1 and "a trial is on here" in r.stderr, r
        wait_until(lambda: values(lab.gateway)[0] == 7200, 60, "the end of the trial")
        assert values(lab.device)[0] == 200
        r = halfopen(lab, "revert", "--all")
        assert r.returncode == 0 and "200 -> 7200" in r.stdout and "gone" not in r.stdout, r
        assert values(lab.device)[0] == 7200
    wait_until(lambda: not guards(lab), 30, "the end of the trial's guards")


def test_sysctl_d_of_a_container_is_not_the_hosts(host):
    """Whoever reverts from outside takes back the values; the same file outside is somebody else's."""
    inner = host.lab.path("inner.d")
    os.mkdir(inner)
    r = host.run(f"""mkfifo {host.state}.go; mkdir {host.state}; chmod 700 {host.state}
        unshare -n -m -p -f --mount-proc sh -c 'mount --bind {inner} /etc/sysctl.d
            mount --bind {host.boot_id} /proc/sys/kernel/random/boot_id; "$0" apply --idle 240 --persist --yes \
            --state {host.state} >/dev/null; echo applied >{host.state}.go; cat {host.state}.go >/dev/null
            "$0" revert --state {host.state}; sysctl -n net.ipv4.tcp_keepalive_time' "{HALFOPEN}" &
        cat {host.state}.go >/dev/null; cp {inner}/{OURS} /etc/sysctl.d/
        halfopen revert --all || echo failed $?
        echo go >{host.state}.go; wait $!""")
    assert "240 -> 7200" in r.stdout and "failed 1" in r.stdout and "'halfopen revert' in there" in r.stderr, r
    assert r.stdout.splitlines()[-1] == "7200" and not os.listdir(inner), r
    assert host.file() == HEADER + "net.ipv4.tcp_keepalive_time = 240\n"


@pytest.mark.parametrize("how", ["--all", "--netns"])
def test_a_containers_file_of_an_older_version(lab, how):
    with container(lab, lab.gateway, 100):
        os.rename(os.path.join(lab.path("state"), state_of(lab.gateway)), lab.path("state/applied-container"))
        r = halfopen(lab, "revert", *(["--all"] if how == "--all" else ["--netns", lab.device.name]))
        assert r.returncode == 0 and (how == "--all") == (values(lab.gateway)[0] == 7200), r
        assert how == "--all" or revert(lab).returncode == 0
        assert values(lab.gateway)[0] == 7200
        assert not [f for f in os.listdir(lab.path("state")) if f.startswith("applied")]


# ---- what others write meanwhile ----

def test_stepping_back_leaves_what_others_wrote(lab):
    """Another tool writes between our first value and our second, which fails."""
    command = ["strace", "-o", lab.path("trace"), "-e", "trace=write",
               "-P", "/proc/sys/net/ipv4/tcp_keepalive_probes",
               "-e", "inject=write:error=EIO:delay_enter=6000000:when=1"]
    p = subprocess.Popen([*command, HALFOPEN, "apply", "--netns", lab.gateway.name, "--state",
                          lab.path("state"), "--idle", "120", "--interval", "10", "--probes", "4",
                          "--yes"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: values(lab.gateway)[:2] == (120, 10), 20, "the first values")
    lab.gateway.sysctl(tcp_keepalive_time=300)
    _, said = p.communicate(timeout=60)
    assert p.returncode == 1, said
    assert values(lab.gateway) == (300, 75, 9)
    assert re.search(r"tcp_keepalive_time is 300: somebody else wrote it meanwhile.*7200.*120", said), said
    assert "nothing is changed" not in said
    assert "nothing was applied" in revert(lab).stdout and values(lab.gateway) == (300, 75, 9)


def test_deaths_take_the_file_back_as_well(lab):
    pairs = [lab.connect() for _ in range(40)]
    for gateway, _ in pairs:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    ports = ", ".join(str(device.getsockname()[1]) for _, device in pairs[:10])
    lab.gateway.drop("input", f"tcp sport {{ {ports} }}")
    os.mkdir(lab.path("sysctl.d"))
    r = subprocess.run(
        ["ip", "netns", "exec", lab.gateway.name, "sh", "-c",
         f"mount --bind {lab.path('sysctl.d')} /etc/sysctl.d && exec \"$0\" \"$@\"", HALFOPEN, "apply",
         "--idle", "2", "--interval", "1", "--probes", "2", "--rearm", "--spread", "2s",
         "--stop-at-deaths", "5%", "--persist", "--yes", "--state", lab.path("state")],
        capture_output=True, text=True, timeout=60)
    assert r.returncode == 1 and "stepped back" in r.stderr, r
    assert values(lab.gateway) == (7200, 75, 9) and os.listdir(lab.path("sysctl.d")) == []


def test_what_we_never_wrote_blocks_nothing(lab):
    assert apply(lab, "--idle", "120", "--yes").returncode == 0
    lab.gateway.sysctl(tcp_keepalive_intvl=33)
    r = apply(lab, "--idle", "60", "--yes")
    assert r.returncode == 0, r.stderr
    assert values(lab.gateway) == (60, 33, 9)
    r = apply(lab, "--interval", "20", "--yes")
    assert r.returncode == 0 and values(lab.gateway) == (60, 20, 9)
    assert revert(lab).returncode == 0 and values(lab.gateway) == (7200, 33, 9)


# ---- what is saved of others ----

def test_all_leaves_what_it_does_not_see(lab):
    """The namespace has only a name, which another mount namespace hides."""
    assert apply(lab, "--idle", "120", "--yes").returncode == 0
    r = halfopen(lab, "revert", "--all", wrapper=["unshare", "-m", "sh", "-c",
                                                  'umount -l /run/netns; exec "$0" "$@"'])
    assert r.returncode == 1 and "is not to be seen from here" in r.stderr, r
    assert lab.gateway.name in r.stderr and os.listdir(lab.path("state")).count(state_of(lab.gateway)) == 1
    r = halfopen(lab, "revert", "--all")
    assert r.returncode == 0 and values(lab.gateway)[0] == 7200, r


@pytest.mark.parametrize("when,kept", [("1", False), ("1+", True)], ids=["once", "always"])
def test_all_forgets_nobody_who_cannot_be_opened(lab, when, kept):
    """The process by which a namespace was found has ended when it is opened; the namespace lives."""
    tenant = Tenant(lab, b"pod-7")
    assert halfopen(lab, "apply", "--netns", str(tenant.process.pid), "--idle", "120", "--yes").returncode == 0
    r = halfopen(lab, "revert", "--all", wrapper=["strace", "-o", "/dev/null", "-P", tenant.path, "-e",
                                                  f"inject=openat:error=ENOENT:when={when}"])
    assert "gone" not in r.stdout and r.returncode == (1 if kept else 0), r
    assert not kept or "is not to be seen from here: what was saved of it is kept" in r.stderr, r
    assert tenant.values()[0] == (120 if kept else 7200)
    r = halfopen(lab, "revert", "--all")
    assert r.returncode == 0 and tenant.values()[0] == 7200, r


@pytest.mark.parametrize("how", ["printed", "all", "inside", "keep"])
def test_nobody_lives_where_it_was_applied(lab, how):
    """Bound to a path that is no name, and no process in there: what is told to be pasted finds it."""
    named = Namespace(lab.gateway.name + "x")
    with bound(lab, named.path) as path:
        there = address(path)
        named.delete()
        trial = ["--trial", "1h"] if how == "keep" else []
        r = halfopen(lab, "apply", "--netns", path, "--idle", "120", "--yes", *trial)
        assert r.returncode == 0 and there in r.stdout, r
        if how == "keep":
            r = halfopen(lab, "apply", "--keep", "--netns", there)
            assert r.returncode == 0, r
            wait_until(lambda: not guards(lab), 30, "the end of the trial's guards")
        elsewhere = halfopen(lab, "revert", "--netns", lab.device.name)
        assert f"--netns {there}" in elsewhere.stdout, elsewhere
        where = {"all": ["--all"], "inside": ["--netns", path]}.get(how, ["--netns", there])
        r = halfopen(lab, "revert", *where)
        assert r.returncode == 0 and "120 -> 7200" in r.stdout, r
        with inside(path), open("/proc/sys/net/ipv4/tcp_keepalive_time") as f:
            assert f.read() == "7200\n"


@pytest.mark.parametrize("name", ["bound", "a b", "new\nline", "\\012", "\\\n\\", "-", "\u00e9\udcff"])
@pytest.mark.parametrize("how", ["path", "pid"])
def test_a_trial_where_nobody_is_left(lab, name, how):
    """Its process has ended, and it lives on where it is bound: the value goes back in time."""
    process = lab.end_process(subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec cat"], text=True,
                                               stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    assert process.stdout.readline() == "\n"
    with bound(lab, f"/proc/{process.pid}/ns/net", name) as path:
        r = halfopen(lab, "apply", "--netns", path if how == "path" else str(process.pid), "--idle", "120",
                     "--trial", "3s", "--yes")
        assert r.returncode == 0, r
        process.stdin.close()
        process.wait(60)

        def value():
            with inside(path), open("/proc/sys/net/ipv4/tcp_keepalive_time") as f:
                return f.read()
        wait_until(lambda: value() == "7200\n", 60, "the end of the trial")
        wait_until(lambda: not guards(lab), 30, "the end of its guards")
        assert not [f for f in os.listdir(lab.path("state")) if f.startswith("applied")]


def test_another_one_at_the_saved_path(lab):
    """It is not taken for the one that was changed, which may live elsewhere."""
    named = Namespace(lab.gateway.name + "x")
    with open(named.path):
        with bound(lab, named.path) as path:
            there = address(path)
            named.delete()
            assert halfopen(lab, "apply", "--netns", path, "--idle", "120", "--yes").returncode == 0
            with bound(lab, lab.device.path):   # over it
                for where, code in (["--netns", there], 2), (["--all"], 1):
                    r = halfopen(lab, "revert", *where)
                    assert r.returncode == code and "gone" not in r.stdout and values(lab.device)[0] == 7200, r
            assert halfopen(lab, "revert", "--all").returncode == 0


def test_where_something_is_applied(lab):
    tenant = Tenant(lab, b"pod-7")
    there = address(tenant.path)
    assert apply(lab, "--idle", "120", "--yes").returncode == 0
    assert halfopen(lab, "apply", "--netns", there, "--idle", "130", "--yes").returncode == 0
    r = halfopen(lab, "revert")
    assert r.returncode == 0 and "nothing was applied here" in r.stdout, r
    for name, where in ((lab.gateway.name, values), (there, lambda _: tenant.values())):
        command = re.search(rf"'(halfopen revert --netns {name} .*)'", r.stdout)[1]
        done = subprocess.run(["sh", "-c", f'halfopen() {{ "{HALFOPEN}" "$@"; }}; {command}'],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and where(lab.gateway)[0] == 7200, done


@pytest.mark.parametrize("forged", ["\nbefore 1 1 1\n", "\ntrial_until 5\n", "\nend\n", " "])
def test_what_is_saved_cannot_be_forged(lab, forged):
    """By a path with a line in it, or a line in the file."""
    path = lab.path("x" + forged + "y")
    open(path, "w").close()
    run("mount", "--bind", lab.gateway.path, path)
    try:
        r = halfopen(lab, "apply", "--netns", path, "--idle", "120", "--yes")
        assert r.returncode == 0, r.stderr
    finally:
        run("umount", path)
    saved = os.path.join(lab.path("state"), state_of(lab.gateway))
    with open(saved) as f:
        text = f.read()
    assert forged == " " or text.count(forged) == (1 if forged == "\nend\n" else 0)
    with open(saved, "w") as f:
        f.write(text.replace("\nname ", forged + "name ", 1))
    r = revert(lab)
    assert r.returncode == 1 and "expected what 'halfopen apply' writes" in r.stderr, r
    assert values(lab.gateway)[0] == 120
    with open(saved, "w") as f:
        f.write(text)
    assert revert(lab).returncode == 0 and values(lab.gateway)[0] == 7200


def test_a_name_that_is_another_ones_meanwhile(lab):
    """A pod restarts while we wait for somebody to be done."""
    pod = Namespace(lab.gateway.name + "p")
    for how in ("apply --idle 120 --yes", "revert"):
        with open(pod.path) as old:     # so that its inode is nobody else's
            with at_work(lab.path("state"), pod.inode) as holder:
                p = subprocess.Popen([HALFOPEN, *how.split(), "--netns", pod.name, "--state", lab.path("state")],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                     stdin=subprocess.DEVNULL)
                assert f"waiting for pid {holder.pid} (python3, since 2" in p.stderr.readline()
                pod.delete()
                pod = Namespace(pod.name)
            out, said = p.communicate(timeout=60)
            assert p.returncode == 1 and "is not the namespace any more" in said, (out, said)
            with inside(f"/proc/self/fd/{old.fileno()}"), open("/proc/sys/net/ipv4/tcp_keepalive_time") as f:
                assert f.read() == "7200\n"
            assert values(pod)[0] == 7200
            assert not [f for f in os.listdir(lab.path("state")) if f.startswith("applied")]
    pod.delete()


# ---- advice ----

def advice(**scope):
    return {"schema": "halfopen.advice/1", "id": "change-1", "verdict": "change",
            "scope": {"kind": "namespace", "gateway": "here", **scope},
            "proposed": {"idle_s": 240, "interval_s": 20, "probes": 5}}


def apply_advice(lab, netns, *lines):
    path = lab.path("advice.json")
    with open(path, "w") as f:
        f.writelines(json.dumps(line) + "\n" for line in lines)
    return halfopen(lab, "apply", path, "--gateway", "here", "--netns", netns, "--yes")


@pytest.mark.parametrize("scope", [{}, {"netns": ""}, {"netns": None}, {"netns": 7}],
                         ids=["absent", "empty", "null", "number"])
def test_advice_for_no_place(lab, scope):
    r = apply_advice(lab, lab.gateway.name, advice(**scope))
    assert r.returncode == 2 and "advice.json:1: scope.netns: expected what it is advice for" in r.stderr, r
    assert values(lab.gateway) == (7200, 75, 9)


def test_the_line_for_the_place(lab):
    mine, other = advice(netns=lab.gateway.name), advice(netns="pod-8")
    other["proposed"]["idle_s"] = 100
    r = apply_advice(lab, lab.gateway.name, other, mine)
    assert r.returncode == 0 and values(lab.gateway) == (240, 20, 5), r
    assert revert(lab).returncode == 0
    r = apply_advice(lab, lab.gateway.name, other)
    assert r.returncode == 2 and "but of namespace pod-8 of here" in r.stderr, r
    second = dict(mine, proposed={"idle_s": 241, "interval_s": 20, "probes": 5})
    r = apply_advice(lab, lab.gateway.name, mine, other, second)
    assert r.returncode == 2 and re.search(r"advice.json:3: .*241/20/5.*line 1 240/20/5", r.stderr), r
    assert values(lab.gateway) == (7200, 75, 9)
    r = apply_advice(lab, lab.gateway.name, mine, other, mine)
    assert r.returncode == 0 and values(lab.gateway) == (240, 20, 5), r


def test_advice_is_found_by_pid_and_path(lab):
    """As it names the pod: by name, or by inode and cookie; an inode alone may be another one's by now."""
    tenant = Tenant(lab, b"pod-7")
    there = address(tenant.path)
    for netns in (str(tenant.process.pid), tenant.path, there):
        r = apply_advice(lab, netns, advice(netns=there))
        assert r.returncode == 0 and tenant.values() == (240, 20, 5), r
        assert halfopen(lab, "revert", "--netns", netns).returncode == 0
        for wrong in (there + "1", str(tenant.inode), f"inode:{tenant.inode}", "pod-7"):
            r = apply_advice(lab, netns, advice(netns=wrong))
            assert r.returncode == 2 and tenant.values() == (7200, 75, 9), (wrong, r)
    with open("/proc/sys/kernel/random/boot_id") as f:
        now = f.read().strip()
    place = {"inode": tenant.inode, "cookie": str(netns_cookie(tenant.path))}
    for scope, fits in (({"netns": "pod-7", "boot_id": now, **place}, True),
                        ({"netns": there, "boot_id": now, **place}, True),
                        ({"netns": "pod-7", "boot_id": "b", **place}, False),   # there was one like it
                        ({"netns": there, "boot_id": "b", **place}, False),
                        ({"netns": "pod-7", "boot_id": now, **place, "cookie": "1"}, False),
                        ({"netns": "pod-7", "boot_id": now, **place, "inode": 1}, False)):
        r = apply_advice(lab, str(tenant.process.pid), advice(**scope))
        assert r.returncode == (0 if fits else 2) and tenant.values()[0] == (240 if fits else 7200), (scope, r)
        assert halfopen(lab, "revert", "--netns", there).returncode == 0
    for netns in (lab.gateway.path, address(lab.gateway.path)):
        for named in (lab.gateway.name, address(lab.gateway.path)):
            assert apply_advice(lab, netns, advice(netns=named)).returncode == 0
            assert values(lab.gateway) == (240, 20, 5)
            assert revert(lab).returncode == 0


# ---- addresses ----

def test_a_name_longer_than_its_room(lab):
    """Two paths that begin alike: the longer is not cut into the shorter."""
    long = os.path.join(lab.directory, "d" * 120, "e" * 120)
    os.makedirs(long)
    path = os.path.join(long, "f" * 80)
    for length in range(len(path), 200, -1):
        if not os.path.lexists(path[:length]) and path[:length][-1] != "/":
            os.symlink(lab.device.path, path[:length])
    os.unlink(path)
    os.symlink(lab.gateway.path, path)
    r = halfopen(lab, "apply", "--netns", path, "--idle", "120", "--yes")
    assert r.returncode == 2 and values(lab.device)[0] == 7200, r
    for name in ("n" * 64, "n" * 200, "a b", "a;b", "a\tb", "é", "..", "1" * 300):
        r = halfopen(lab, "apply", "--netns", name, "--idle", "120", "--yes")
        assert r.returncode == 2 and "inode:N,cookie:N" in r.stderr, (name, r)


def test_a_device_is_looked_at_and_not_opened(lab):
    """Opening some does something; a FIFO would wait."""
    os.mkfifo(lab.path("fifo"))
    for path in (lab.path("fifo"), "/dev/null", "/proc/self/ns/mnt", "/"):
        r = halfopen(lab, "apply", "--netns", path, "--idle", "120", "--dry-run", wrapper=[
            "strace", "-o", lab.path("trace"), "-e", "trace=openat"])
        assert r.returncode == 2 and "addresses no network namespace" in r.stderr, r
        with open(lab.path("trace")) as f:
            opened = [l for l in f if f'"{path}"' in l and "O_PATH" not in l]
        assert path.endswith("mnt") or not opened, opened
