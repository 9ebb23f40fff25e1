// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "connection/outcome.h"
#include "core/state.h"
#include "core/summary.h"
#include "core/wanted.h"

/* Is it open, and are its events emitted? */
static bool counts(struct core *core, const struct slot *s)
{
	const struct connection *c = table__history(&core->table, s);

	return !s->ignored &&
	       !(c && (connection__ended_ns(c) || !wanted__is(core, c)));
}

struct summary summary__now(struct core *core)
{
	bool lived_in[NETNS_INDEX_MAX + 1] = { false };
	struct summary s = totals__summary(&core->totals);
	struct slot *slot = NULL;

	if (core->now_ns > core->run.started_ns)
		s.watched_s = (core->now_ns - core->run.started_ns) / 1e9;
	s.waiting_for_data = core->run.waiting;
	s.names_forgotten = core->identities.forgotten;
	while ((slot = table__next(&core->table, slot))) {
		const struct connection *c = table__history(&core->table, slot);

		if (!counts(core, slot))
			continue;
		s.namespaces += !lived_in[slot->netns];
		lived_in[slot->netns] = true;
		s.open++;
		s.open_without_keepalive += !slot->would_notice;
		s.suspect += c && outcome__now(c, core->config.suspect_after) == OUTCOME_SUSPECT;
	}
	return s;
}

unsigned int summary__blind_programs(struct core *core, struct program_count *programs,
				     unsigned int size)
{
	struct program_count *all = calloc(core->owners.used + 1, sizeof(*all));
	unsigned int count = 0, i;
	struct slot *s = NULL;

	if (!all)
		return 0;
	while ((s = table__next(&core->table, s)))
		if (s->owner && !s->would_notice && counts(core, s))
			all[s->owner - 1].sockets++;
	for (i = 1; i <= core->owners.used; i++) {
		if (!all[i - 1].sockets)
			continue;
		all[count] = all[i - 1];
		memcpy(all[count++].comm, owners__at(&core->owners, i)->comm,
		       sizeof(all->comm));
	}
	count = ranking__of_programs(all, count);
	if (count > size)
		count = size;
	memcpy(programs, all, count * sizeof(*all));
	free(all);
	return count;
}
