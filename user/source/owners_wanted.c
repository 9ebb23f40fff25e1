// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "owners_wanted.h"

#define PASSES_MAX 2

struct wanted {
	uint64_t cookie;
	uint32_t passes;
	bool found;
};

void owners_wanted__add(struct owners_wanted *o, uint64_t cookie)
{
	if (o->count == o->size) {
		size_t size = o->size ? o->size * 2 : 256;
		struct wanted *bigger;

		if (o->count >= OWNERS_WANTED_MAX)
			return;
		bigger = realloc(o->wanted, size * sizeof(*bigger));
		if (!bigger)
			return;
		o->wanted = bigger;
		o->size = size;
	}
	o->wanted[o->count++] = (struct wanted){ .cookie = cookie };
}

bool owners_wanted__any(const struct owners_wanted *o)
{
	return o->count > 0;
}

static int by_cookie(const void *a, const void *b)
{
	const struct wanted *p = a, *q = b;

	return p->cookie < q->cookie ? -1 : p->cookie > q->cookie;
}

void owners_wanted__begin(struct owners_wanted *o)
{
	if (o->count)
		qsort(o->wanted, o->count, sizeof(*o->wanted), by_cookie);
}

bool owners_wanted__take(struct owners_wanted *o, uint64_t cookie)
{
	struct wanted key = { .cookie = cookie };
	struct wanted *w = NULL;

	if (o->count)
		w = bsearch(&key, o->wanted, o->count, sizeof(key), by_cookie);
	if (!w || w->found)
		return false;
	w->found = true;
	return true;
}

void owners_wanted__end(struct owners_wanted *o)
{
	size_t i, kept = 0;

	for (i = 0; i < o->count; i++) {
		struct wanted w = o->wanted[i];

		if (w.found || ++w.passes >= PASSES_MAX)
			continue;
		o->wanted[kept++] = w;
	}
	o->count = kept;
}

void owners_wanted__free(struct owners_wanted *o)
{
	free(o->wanted);
	*o = (struct owners_wanted){ 0 };
}
