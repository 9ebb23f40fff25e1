// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "core/periodic.h"
#include "table/table.h"

/* Some 30 ms of writing. */
#define SLICE 4096

void periodic__free(struct periodic *p)
{
	free(p->cookies);
	p->cookies = NULL;
	p->count = p->emitted = 0;
}

bool periodic__is_under_way(const struct periodic *p)
{
	return p->emitted < p->count;
}

/* By cookie: slots move as others end. */
static int begin_round(struct periodic *p, struct table *t)
{
	struct slot *s = NULL;

	periodic__free(p);
	if (!t->used)
		return 0;
	p->cookies = malloc(t->used * sizeof(*p->cookies));
	if (!p->cookies)
		return -ENOMEM;
	while ((s = table__next(t, s)))
		p->cookies[p->count++] = s->cookie;
	return 0;
}

int periodic__pass_time(struct periodic *p, struct table *t, uint64_t every_ns, uint64_t now_ns)
{
	if (periodic__is_under_way(p) || now_ns < p->due_ns)
		return 0;
	p->due_ns = now_ns + every_ns;
	return begin_round(p, t);
}

size_t periodic__slice(struct periodic *p, const uint64_t **cookies)
{
	size_t left = p->count - p->emitted, n = left < SLICE ? left : SLICE;

	*cookies = n ? p->cookies + p->emitted : NULL;
	p->emitted += n;
	return n;
}
