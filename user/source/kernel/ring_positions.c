// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/ring_positions.h"

/* struct bpf_ringbuf of kernel/bpf/ringbuf.c, from its first page that can be mapped: a page
 * with the consumer's position, one with the producer's, the data. */
int ring_positions__map(struct ring_positions *p, int map_fd)
{
	size_t page = sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, map_fd, 0);

	if (pages == MAP_FAILED)
		return -errno;
	p->pages = pages;
	p->consumer = (const void *)pages;
	p->producer = (const void *)(pages + page);
	return 0;
}

void ring_positions__unmap(struct ring_positions *p)
{
	if (p->pages)
		munmap(p->pages, 2 * sysconf(_SC_PAGESIZE));
	*p = (struct ring_positions){ 0 };
}

unsigned long ring_positions__reserved(const struct ring_positions *p)
{
	return __atomic_load_n(p->producer, __ATOMIC_ACQUIRE);
}

/* Positions count bytes since the ring was made, and wrap where longs are short. */
bool ring_positions__is_read(const struct ring_positions *p, unsigned long reserved)
{
	return (long)(__atomic_load_n(p->consumer, __ATOMIC_ACQUIRE) - reserved) >= 0;
}
