// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "core/histories.h"
#include "core/state.h"

void histories__free(struct connection *c)
{
	if (!c)
		return;
	connection__release(c);
	free(c);
}

static struct connection *new_history(struct core *core, struct slot *s)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->cookie = s->cookie;
	c->first_seen_ns = (uint64_t)s->first_seen_us * 1000;
	c->partial = s->partial;
	if (!table__give_history(&core->table, s, c)) {
		free(c);
		return NULL;
	}
	c->owner = owners__share(&core->owners, s->owner);
	return c;
}

struct connection *histories__of(struct core *core, struct slot *s)
{
	return s->has_history ? table__history(&core->table, s) : new_history(core, s);
}

void histories__forget(struct core *core, uint64_t cookie)
{
	struct slot *s = table__find(&core->table, cookie);
	struct connection *c;

	if (!s)
		return;
	owners__drop(&core->owners, s->owner);
	withheld__drop(&core->withheld, cookie);
	c = table__take_history(&core->table, s);
	if (c) {
		owners__drop(&core->owners, c->owner);
		histories__free(c);
	}
	table__remove(&core->table, cookie);
}
