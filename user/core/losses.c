// SPDX-License-Identifier: GPL-2.0
#include "core/losses.h"

void losses__count(struct losses *l, uint64_t count)
{
	l->counted += count;
}

/* Emitted together: there may be many. */
void losses__count_senseless(struct losses *l, uint64_t count)
{
	l->counted += count;
	l->senseless += count;
}

void losses__count_probes(struct losses *l, uint64_t count)
{
	l->unseen += count;
}

void losses__count_unseen(struct losses *l, uint64_t count)
{
	uint64_t from = l->counted_at_pass_before > l->found ? l->counted_at_pass_before : l->found;
	uint64_t included = l->counted - from < count ? l->counted - from : count;

	l->found = from + included;
	l->unseen += count - included;
}

void losses__end_pass(struct losses *l)
{
	l->counted_at_pass_before = l->counted_at_last_pass;
	l->counted_at_last_pass = l->counted;
}

void losses__begin(struct losses *l, uint64_t now_ns)
{
	l->unemitted_from_ns = now_ns;
}

void losses__begin_anew(struct losses *l, uint64_t now_ns)
{
	l->unseen = l->senseless = 0;
	losses__begin(l, now_ns);
}
