// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "state.h"
#include "telling.h"

/* Is it open, and of those that are told? */
static bool counts(struct core *core, const struct slot *s)
{
	const struct connection *c = table__history(&core->table, s);

	return !s->ignored &&
	       !(c && (connection__ended_ns(c) || !telling__is_wanted(core, c)));
}

uint64_t core__names_forgotten(const struct core *core)
{
	return core->identities.forgotten;
}

struct core_totals core__totals(struct core *core)
{
	struct core_totals totals = core->totals;
	bool lived_in[NETNS_INDEX_MAX + 1] = { false };
	struct slot *s = NULL;

	totals.names_forgotten = core__names_forgotten(core);
	while ((s = table__next(&core->table, s))) {
		const struct connection *c = table__history(&core->table, s);

		if (!counts(core, s))
			continue;
		totals.namespaces += !lived_in[s->netns];
		lived_in[s->netns] = true;
		totals.open++;
		totals.open_without_keepalive += !s->would_notice;
		totals.suspect += c && telling__outcome(core, c) == OUTCOME_SUSPECT;
	}
	return totals;
}

unsigned int core__blind_programs(struct core *core, struct program_count *programs,
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
