// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "text/dead_words.h"

void dead_words__add_by_history(struct words *w, const struct sockets_dead *d, bool brief)
{
	if (!d->of) {
		words__add(w, "dead: nothing is known: %s", d->why ?: "all peers are of this host");
		return;
	}
	words__add(w, "about ");
	words__add_count(w, lround(d->estimate));
	words__add(w, brief ? " dead by the history (" : " dead by the history, between ");
	words__add_count(w, (uint64_t)floor(d->low));
	words__add(w, brief ? " to " : " and ");
	words__add_count(w, (uint64_t)ceil(d->high));
	words__add(w, brief ? "), of " : ", of ");
	words__add_count(w, d->of);
}
