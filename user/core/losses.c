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
	if (l->counted == l->counted_at_pass_before)
		l->unseen += count;
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
