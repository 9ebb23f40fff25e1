// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdlib.h>

#include "kernel/listeners.h"
#include "kernel/socket_dump.h"
#include "value/array.h"

#define LISTEN (1 << 10)

struct reading {
	struct listeners *listeners;
	uint32_t netns;
};

static uint64_t key_of(uint32_t netns, uint16_t port)
{
	return (uint64_t)netns << 16 | port;
}

static void on_listener(void *context, const struct inet_diag_msg *socket)
{
	struct reading *r = context;
	struct listeners *l = r->listeners;
	uint64_t *bigger = array__with_room(l->sorted, l->count, &l->size, sizeof(*bigger));

	l->incomplete |= !bigger;
	if (!bigger)
		return;
	l->sorted = bigger;
	l->sorted[l->count++] = key_of(r->netns, ntohs(socket->id.idiag_sport));
	l->is_sorted = false;
}

void listeners__read(struct listeners *l, uint32_t netns)
{
	struct reading r = { l, netns };

	l->incomplete |= socket_dump__tcp(LISTEN, on_listener, &r) < 0;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

bool listeners__has(struct listeners *l, uint32_t netns, uint16_t port)
{
	uint64_t key = key_of(netns, port);

	if (!l->is_sorted && l->count)
		qsort(l->sorted, l->count, sizeof(*l->sorted), compare);
	l->is_sorted = true;
	return l->count && bsearch(&key, l->sorted, l->count, sizeof(key), compare);
}

void listeners__free(struct listeners *l)
{
	free(l->sorted);
	*l = (struct listeners){ 0 };
}
