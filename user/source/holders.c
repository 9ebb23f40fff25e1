// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "holders.h"
#include "mix.h"

#define COOKIE_BITS 40
#define COOKIE_MASK ((1ULL << COOKIE_BITS) - 1)
#define HOLDER_MASK (((1ULL << 23) - 1) << COOKIE_BITS)
#define ODD (1ULL << 63)
#define SIZE_MIN 256

static size_t home(const struct holders *h, uint64_t entry)
{
	return (mix__number(0, entry & COOKIE_MASK) >> 32) * h->size >> 32;
}

/* The entry of this cookie, or the free place for it. Never 0, as no cookie is. */
static uint64_t *find(const struct holders *h, uint64_t cookie)
{
	size_t i = home(h, cookie);

	while (h->entries[i] && (h->entries[i] & COOKIE_MASK) != (cookie & COOKIE_MASK))
		i = i + 1 < h->size ? i + 1 : 0;
	return &h->entries[i];
}

static bool was_seen(const struct holders *h, uint64_t entry)
{
	return entry && !!(entry & ODD) == h->odd;
}

/* Makes a table of `size` with what is kept of the present one. */
static bool rebuild(struct holders *h, size_t size, bool all)
{
	struct holders new = { .entries = calloc(size, sizeof(uint64_t)), .size = size,
			       .odd = h->odd };
	size_t i;

	if (!new.entries)
		return false;
	for (i = 0; i < h->size; i++) {
		if (!h->entries[i] || (!all && !was_seen(h, h->entries[i])))
			continue;
		*find(&new, h->entries[i]) = h->entries[i];
		new.used++;
	}
	free(h->entries);
	*h = new;
	return true;
}

void holders__begin(struct holders *h)
{
	h->odd = !h->odd;
}

void holders__end(struct holders *h)
{
	size_t seen = 0, i;

	for (i = 0; i < h->size; i++)
		seen += was_seen(h, h->entries[i]);
	/* Where memory is short those that are gone stay for one more pass. */
	if (seen < h->used)
		rebuild(h, SIZE_MIN + seen + seen / 6, false);
}

bool holders__is_news(struct holders *h, uint64_t cookie, uint32_t pid, const char *comm)
{
	uint64_t holder = mix__bytes(pid, comm, 16) << COOKIE_BITS & HOLDER_MASK, *entry;
	bool news;

	if (h->used >= h->size - h->size / 8 && !rebuild(h, h->size ? h->size + h->size / 8 : SIZE_MIN, true))
		return false;
	entry = find(h, cookie);
	if (was_seen(h, *entry))
		return false;	/* it has its owner */
	news = (*entry & HOLDER_MASK) != holder || !*entry;
	h->used += !*entry;
	*entry = (cookie & COOKIE_MASK) | holder | (h->odd ? ODD : 0);
	return news;
}

void holders__free(struct holders *h)
{
	free(h->entries);
	*h = (struct holders){ 0 };
}
