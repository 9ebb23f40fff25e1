// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/kernel_btf.h"

#define PATH "/sys/kernel/btf/vmlinux"
#define NAME_MAX_BYTES 128

struct kernel_btf {
	struct btf *types;	/* NULL: not read yet */
	char *own_names;	/* NULL: `names` are those of `types` */
	const char *names;	/* each between two zero bytes */
	size_t size;
};

static int read_exactly(int fd, void *to, size_t size, off_t at)
{
	size_t have = 0;
	ssize_t n;

	while (have < size) {
		n = pread(fd, (char *)to + have, size - have, at + have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EINVAL;
		have += n;
	}
	return 0;
}

/* Of the file, which has three times as much, the section of strings. */
static int read_names(struct kernel_btf *k, int fd)
{
	struct btf_header header;
	int err = read_exactly(fd, &header, sizeof(header), 0);

	if (err)
		return err;
	if (header.magic != BTF_MAGIC || !header.str_len)
		return -EINVAL;
	k->own_names = malloc(header.str_len);
	if (!k->own_names)
		return -ENOMEM;
	err = read_exactly(fd, k->own_names, header.str_len,
			   (off_t)header.hdr_len + header.str_off);
	if (err)
		return err;
	k->names = k->own_names;
	k->size = header.str_len;
	return 0;
}

/* libbpf looks in several places, and reports the last: what it does not find is not there. */
static int read_types(struct kernel_btf *k)
{
	const struct btf_header *header;
	uint32_t size;

	k->types = btf__load_vmlinux_btf();
	header = k->types ? btf__raw_data(k->types, &size) : NULL;
	if (!header)
		return -ENOTSUP;
	if (!k->names) {
		k->names = (const char *)header + header->hdr_len + header->str_off;
		k->size = header->str_len;
	}
	return 0;
}

int kernel_btf__open(struct kernel_btf **out)
{
	struct kernel_btf *k = calloc(1, sizeof(*k));
	int fd, err;

	if (!k)
		return -ENOMEM;
	fd = open(PATH, O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : read_names(k, fd);
	if (fd >= 0)
		close(fd);
	if (err == -ENOENT || err == -EINVAL)
		err = read_types(k);
	if (err) {
		kernel_btf__close(k);
		return err;
	}
	*out = k;
	return 0;
}

void kernel_btf__close(struct kernel_btf *k)
{
	if (!k)
		return;
	btf__free(k->types);
	free(k->own_names);
	free(k);
}

bool kernel_btf__has(const struct kernel_btf *k, const char *name)
{
	char whole[NAME_MAX_BYTES] = "";
	int length = snprintf(whole + 1, sizeof(whole) - 1, "%s", name);

	return memmem(k->names, k->size, whole, length + 2);
}

const struct btf *kernel_btf__types(struct kernel_btf *k)
{
	if (!k->types)
		read_types(k);
	return k->types;
}
