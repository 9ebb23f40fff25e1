// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "connection/outcome.h"
#include "core/state.h"
#include "core/summary.h"
#include "core/wanted.h"
#include "exposure/counts.h"
#include "exposure/groups.h"

/* Is it open, and are its events emitted? */
static bool is_counted(struct core *core, const struct slot *s)
{
	const struct connection *c = table__history(&core->table, s);

	return !s->ignored &&
	       !(c && (connection__ended_ns(c) || !wanted__is(core, c)));
}

/* Its exposure, as far as the summary shows it. */
static struct exposure exposure_of(const struct core *core, const struct slot *s)
{
	const struct connection *c = table__history(&core->table, s);

	return (struct exposure){
		.never_notices = !s->would_notice,
		.suspect = c && outcome__now(c, core->config.suspect_after) == OUTCOME_SUSPECT };
}

struct summary summary__now(struct core *core)
{
	bool lived_in[NETNS_INDEX_MAX + 1] = { false };
	struct summary s = totals__summary(&core->totals);
	struct exposure_counts counts = { 0 };
	struct slot *slot = NULL;

	if (core->now_ns > core->run.started_ns)
		s.watched_s = (core->now_ns - core->run.started_ns) / 1e9;
	s.waiting_for_data = core->run.waiting;
	s.names_forgotten = core->identities.forgotten;
	while ((slot = table__next(&core->table, slot))) {
		struct exposure x;

		if (!is_counted(core, slot))
			continue;
		s.namespaces += !lived_in[slot->netns];
		lived_in[slot->netns] = true;
		x = exposure_of(core, slot);
		exposure_counts__add(&counts, &x);
	}
	s.open = counts.sockets;
	s.open_without_keepalive = counts.never_notice;
	s.suspect = counts.suspect;
	return s;
}

/* By owner, as each socket names its by a number; NULL when memory is short. */
static struct exposure_counts *count_by_owner(struct core *core)
{
	struct exposure_counts *all = calloc(core->owners.used + 1, sizeof(*all));
	struct slot *s = NULL;

	while (all && (s = table__next(&core->table, s))) {
		struct exposure x = exposure_of(core, s);

		if (s->owner && is_counted(core, s))
			exposure_counts__add(&all[s->owner], &x);
	}
	return all;
}

static uint32_t never_notice(const struct exposure_counts *c)
{
	return c->never_notice;
}

unsigned int summary__without_keepalive(struct core *core, struct program_count *programs,
				       unsigned int size)
{
	struct exposure_counts *by_owner = count_by_owner(core), *of_program;
	struct exposure_groups groups = { 0 };
	unsigned int count = 0, i;

	for (i = 1; by_owner && i <= core->owners.used; i++) {
		struct exposure_key key = { .netns = 0 };

		if (!by_owner[i].sockets)
			continue;
		exposure_key__set_program(&key, owners__at(&core->owners, i)->comm);
		of_program = exposure_groups__of(&groups, &key);
		if (of_program)
			exposure_counts__merge(of_program, &by_owner[i]);
	}
	count = exposure_groups__rank(&groups, never_notice, programs, size);
	exposure_groups__free(&groups);
	free(by_owner);
	return count;
}

/* ---- by program and port ---- */

/* One port of ours in one namespace, as a number that is not 0. */
static uint64_t number_of_port(const struct slot *s)
{
	return 1ULL << 32 | (uint64_t)s->netns << 16 | s->local_port;
}

/* How many sockets each has: mostly there are many ports, of connections that programs made. */
static bool count_ports(struct core *core, struct tally *ports)
{
	struct slot *s = NULL;

	while ((s = table__next(&core->table, s)))
		if (is_counted(core, s) && !tally__add(ports, number_of_port(s)))
			return false;
	return true;
}

static bool count_socket(struct core *core, const struct slot *s, const struct tally *ports,
			 struct exposure_groups *groups)
{
	const struct owner *owner = owners__at(&core->owners, s->owner);
	struct exposure_key key = { .netns = s->netns };
	struct exposure x = exposure_of(core, s);
	struct exposure_counts *counts;

	if (s->local_port < s->peer_port || tally__of(ports, number_of_port(s)) > 1)
		key.port = s->local_port;
	if (owner)
		exposure_key__set_program(&key, owner->comm);
	counts = exposure_groups__of(groups, &key);
	if (counts)
		exposure_counts__add(counts, &x);
	return counts;
}

static int by_sockets(const void *a, const void *b)
{
	const struct exposure_group *x = a, *y = b;

	if (x->counts.sockets != y->counts.sockets)
		return x->counts.sockets < y->counts.sockets ? 1 : -1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

bool summary__groups(struct core *core, struct exposure_groups *groups)
{
	struct tally ports = { 0 };
	struct slot *s = NULL;
	bool ok = count_ports(core, &ports);

	while (ok && (s = table__next(&core->table, s)))
		ok = !is_counted(core, s) || count_socket(core, s, &ports, groups);
	tally__free(&ports);
	if (groups->count)
		qsort(groups->all, groups->count, sizeof(*groups->all), by_sockets);
	return ok;
}
