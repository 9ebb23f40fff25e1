// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kernel_btf.h"

int kernel_btf__load(struct btf **btf)
{
	int fd;

	*btf = btf__load_vmlinux_btf();
	if (*btf)
		return 0;
	/* libbpf looked in several places, and tells of the last */
	fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd >= 0)
		close(fd);
	return -ENOTSUP;
}
