// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kernel/kernel_btf.h"

int kernel_btf__load(struct btf **btf)
{
	int fd;

	*btf = btf__load_vmlinux_btf();
	if (*btf)
		return 0;
	/* libbpf looked in several places, and reports the last */
	fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd >= 0)
		close(fd);
	return -ENOTSUP;
}

bool kernel_btf__has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}
