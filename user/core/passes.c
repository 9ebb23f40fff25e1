// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "core/histories.h"
#include "core/losses.h"
#include "core/namespaces.h"
#include "core/passes.h"
#include "core/reconnects.h"
#include "core/sockets.h"
#include "core/state.h"
#include "core/totals.h"

#define NS_PER_S 1000000000ULL

void passes__take_present(struct core *core, const struct record *r)
{
	uint32_t i;

	for (i = 0; i < r->present.count; i++) {
		struct slot *s = table__find(&core->table, r->present.cookies[i]);

		if (s)
			slot__touch(s, r->mono_ns);
	}
}

/* Silent for longer than this. Where jiffies wrap after seven weeks, the silence before is recorded
 * by the first pass that finds it. */
#define LONG_SILENT_S RECORD_SILENT_48_MAX_S

static void remember_silence(struct core *core, struct slot *s, struct connection *c,
			     uint64_t heard_ns)
{
	if (c || core->rules.hz < 1000 || s->ignored)
		return;
	c = histories__of(core, s);
	if (c)
		connection__note_life(c, heard_ns, core->rules.hz);
}

/* The kernel's own clock of the peer, to a second, for sockets with a history. Read so often, it is
 * known through its wraps, too. */
void passes__take_silent(struct core *core, const struct record *r)
{
	uint32_t i;

	for (i = 0; i < r->present.count; i++) {
		struct record_silence silence = record__silence(r, i);
		uint64_t silent_ns = silence.silent_s * NS_PER_S;
		struct slot *s = table__find(&core->table, silence.cookie);
		struct connection *c;

		if (!s)
			continue;
		slot__touch(s, r->mono_ns);
		c = table__history(&core->table, s);
		if (r->mono_ns < silent_ns + NS_PER_S)
			continue;
		linkage__resolve(&core->supersession.linkage, s->peer_key, s->cookie, LINK_HEARD,
				 r->mono_ns - silent_ns - NS_PER_S);
		if (silence.silent_s >= LONG_SILENT_S)
			remember_silence(core, s, c, r->mono_ns - silent_ns);
		if (!c || silence.silent_s >= LONG_SILENT_S)
			continue;
		connection__note_life(c, r->mono_ns - silent_ns - NS_PER_S, core->rules.hz);
		if (incidents__of(c)->successor)
			reconnects__find_superseded(core, c, r->mono_ns - silent_ns, r->mono_ns);
	}
}

static void end_without_witness(struct core *core, uint64_t cookie, uint64_t mono_ns)
{
	struct slot *s = table__find(&core->table, cookie);
	struct connection *c = table__history(&core->table, s);

	if (!c || !c->addressed) {
		totals__count_ending(&core->totals, !s->ignored);
		histories__forget(core, cookie);
		return;
	}
	if (connection__lose_ending(c, mono_ns))
		sockets__end(core, c);
	else
		core->error = -ENOMEM;
}

/* Since when an open socket would have been found or had an event: its namespace was entered by
 * this pass and, unless this is the last, by the one before. 0: it was not entered: a namespace
 * without process and name may still have sockets that a process elsewhere holds, and orphans. */
static uint64_t would_be_known_since(const struct core *core, const struct slot *s,
				     const struct record *r)
{
	const struct namespace_sysctl *ns = namespaces__to_look_in(core, s);

	if (!ns || ns->read_ns < r->snapshot.begun_ns)
		return 0;
	if (r->snapshot.last)
		return r->snapshot.begun_ns;
	return ns->read_before_ns >= core->last_pass_ns ? core->last_pass_ns : 0;
}

static bool has_ended(const struct core *core, const struct slot *s)
{
	const struct connection *c = table__history(&core->table, s);

	return c && connection__ended_ns(c);
}

/* A socket missing from the last two complete passes, with no event since the first of them began,
 * has ended; its ending event was lost. Two, because a walk over a changing table may miss a socket
 * once; no pass follows the last one, which alone decides which sockets are reported as open. */
int passes__take_end(struct core *core, const struct record *r)
{
	struct slot *s = NULL;
	size_t count = 0, unseen = 0, i;
	uint64_t *gone;

	if (!r->snapshot.complete)
		return 0;
	gone = malloc(core->table.used * sizeof(*gone) + 1);
	if (!gone)
		return -ENOMEM;
	while ((s = table__next(&core->table, s))) {
		uint64_t since_ns = would_be_known_since(core, s, r);

		if (since_ns && slot__untouched_since(s, since_ns) && !has_ended(core, s)) {
			gone[count++] = s->cookie;
			unseen += !s->ignored;
		}
	}
	for (i = 0; i < count; i++)
		end_without_witness(core, gone[i], r->mono_ns);
	free(gone);
	losses__count_unseen(&core->losses, unseen);
	losses__end_pass(&core->losses);
	namespaces__forget(core, core->last_pass_ns);
	core->last_pass_ns = r->snapshot.begun_ns;
	return 0;
}
