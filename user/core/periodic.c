// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "periodic.h"
#include "sockets.h"
#include "state.h"
#include "telling.h"

/* Some 30 ms of writing. */
#define SLICE 4096

void periodic__free(struct periodic *p)
{
	free(p->cookies);
	p->cookies = NULL;
	p->count = p->told = 0;
}

bool periodic__is_under_way(const struct periodic *p)
{
	return p->told < p->count;
}

/* By cookie: slots move as others end. */
static int begin_round(struct core *core)
{
	struct periodic *p = &core->periodic;
	struct slot *s = NULL;

	p->due_ns = core->now_ns + core->config.every_ns;
	periodic__free(p);
	if (!core->table.used)
		return 0;
	p->cookies = malloc(core->table.used * sizeof(*p->cookies));
	if (!p->cookies)
		return -ENOMEM;
	while ((s = table__next(&core->table, s)))
		p->cookies[p->count++] = s->cookie;
	return 0;
}

static void tell_slice(struct core *core)
{
	struct periodic *p = &core->periodic;
	size_t end = p->count - p->told < SLICE ? p->count : p->told + SLICE;

	for (; p->told < end; p->told++) {
		struct slot *s = table__find(&core->table, p->cookies[p->told]);

		if (s)
			telling__if_open(core, s);
	}
}

int periodic__pass_time(struct core *core)
{
	struct periodic *p = &core->periodic;
	int err = 0;

	if (!core->config.every_ns)
		return 0;
	if (!periodic__is_under_way(p) && core->now_ns >= p->due_ns)
		err = begin_round(core);
	if (!err)
		tell_slice(core);
	return err;
}
