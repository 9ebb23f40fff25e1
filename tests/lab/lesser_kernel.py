# SPDX-License-Identifier: GPL-2.0
"""A kernel that lacks something, made from this one: it is hidden, in the type information or in
/proc."""


def instead_of(path, file):
    """Runs what follows where `file` stands in the place of `path`."""
    return ["unshare", "-m", "sh", "-c", f'mount --bind "$0" {path} && exec "$@"', file]


def without(lab, *names):
    """Runs what follows where the kernel's type information has not these names."""
    with open("/sys/kernel/btf/vmlinux", "rb") as f:
        btf = f.read()
    for name in names:
        whole = b"\0" + name.encode() + b"\0"
        assert btf.count(whole) == 1, name
        btf = btf.replace(whole, b"\0" + b"x" * len(name) + b"\0")
    with open(lab.path("btf"), "wb") as f:
        f.write(btf)
    return instead_of("/sys/kernel/btf/vmlinux", lab.path("btf"))
