// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "act/descriptors.h"

/* Read at once; an iterator writes whole descriptors. */
#define READ_AT_ONCE 4096

static bool make_room(struct descriptors *d)
{
	size_t size = d->size ? 2 * d->size : READ_AT_ONCE;
	struct ho_descriptor *bigger;

	if (d->size - d->count >= READ_AT_ONCE)
		return true;
	bigger = realloc(d->list, size * sizeof(*bigger));
	if (!bigger)
		return false;
	d->list = bigger;
	d->size = size;
	return true;
}

static int by_cookie(const void *a, const void *b)
{
	const struct ho_descriptor *x = a, *y = b;

	if (x->cookie != y->cookie)
		return x->cookie < y->cookie ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

int descriptors__read(struct descriptors *d, const struct bpf_link *iterator)
{
	int fd = bpf_iter_create(bpf_link__fd(iterator)), err = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	d->count = 0;
	while (!err && n) {
		if (!make_room(d)) {
			err = -ENOMEM;
			break;
		}
		n = read(fd, d->list + d->count, READ_AT_ONCE * sizeof(*d->list));
		if (n > 0)
			d->count += n / sizeof(*d->list);
		else if (n < 0 && errno != EINTR && errno != EAGAIN)
			err = -errno;
	}
	close(fd);
	if (err)
		d->count = 0;
	else if (d->count)
		qsort(d->list, d->count, sizeof(*d->list), by_cookie);
	return err;
}

const struct ho_descriptor *descriptors__find(const struct descriptors *d, uint64_t cookie)
{
	size_t low = 0, high = d->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (d->list[middle].cookie < cookie)
			low = middle + 1;
		else
			high = middle;
	}
	return low < d->count && d->list[low].cookie == cookie ? &d->list[low] : NULL;
}

const struct ho_descriptor *descriptors__next(const struct descriptors *d,
					      const struct ho_descriptor *at)
{
	const struct ho_descriptor *next = at + 1;

	return next < d->list + d->count && next->cookie == at->cookie ? next : NULL;
}

void descriptors__free(struct descriptors *d)
{
	free(d->list);
	*d = (struct descriptors){ 0 };
}
