// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream/reorder.h"

struct pending {
	uint64_t mono_ns;
	uint64_t number;
	size_t offset;
	size_t size;
};

#define PENDING_MIN 4096
#define BYTES_MIN (1 << 20)

static int reserve(struct reorder *r)
{
	if (r->count == r->size) {
		size_t size = r->size ? r->size * 2 : PENDING_MIN;
		struct pending *bigger = realloc(r->pending, size * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		r->pending = bigger;
		r->size = size;
	}
	if (r->bytes_used + RECORD_SIZE_MAX > r->bytes_size) {
		size_t size = r->bytes_size ? r->bytes_size * 2 : BYTES_MIN;
		uint8_t *bigger = realloc(r->bytes, size);

		if (!bigger)
			return -ENOMEM;
		r->bytes = bigger;
		r->bytes_size = size;
	}
	return 0;
}

int reorder__push(struct reorder *r, const struct record *record)
{
	size_t size;
	int err = reserve(r);

	if (err)
		return err;
	size = record__encode(record, r->bytes + r->bytes_used);
	r->pending[r->count++] = (struct pending){ record->mono_ns, r->pushed++, r->bytes_used,
						   size };
	r->bytes_used += size;
	if (record->mono_ns < r->released_until_ns)
		r->late++;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct pending *p = a, *q = b;

	if (p->mono_ns != q->mono_ns)
		return p->mono_ns < q->mono_ns ? -1 : 1;
	return p->number < q->number ? -1 : p->number > q->number;
}

/* As the rows of a walk mostly are. */
static bool is_sorted(const struct reorder *r)
{
	size_t i;

	for (i = 1; i < r->count; i++)
		if (by_time(&r->pending[i - 1], &r->pending[i]) > 0)
			return false;
	return true;
}

/* Shrinks to what is held back, and as much again; a burst's memory is not kept until the end. */
static void give_back(struct reorder *r)
{
	size_t size = r->size;
	struct pending *smaller;

	while (size > PENDING_MIN && r->count < size / 4)
		size /= 2;
	smaller = size < r->size ? realloc(r->pending, size * sizeof(*smaller)) : NULL;
	if (smaller) {
		r->pending = smaller;
		r->size = size;
	}
	if (!r->count && r->bytes_size > BYTES_MIN) {
		free(r->bytes);
		r->bytes = NULL;
		r->bytes_size = 0;
	}
}

static void forget_pending(struct reorder *r, size_t first)
{
	memmove(r->pending, r->pending + first, (r->count - first) * sizeof(*r->pending));
	r->count -= first;
}

/* Moves what is held back to the front of the bytes, in its order, once that frees as much as it
 * moves. */
static void keep_from(struct reorder *r, size_t first)
{
	size_t i, used = 0, size = BYTES_MIN;
	uint8_t *kept = r->bytes;

	for (i = first; i < r->count; i++)
		used += r->pending[i].size;
	if (used > r->bytes_used / 2) {
		forget_pending(r, first);
		return;
	}
	while (size < used * 2 + RECORD_SIZE_MAX)
		size *= 2;
	/* Sorted by time, offsets are not ascending: moving needs a second buffer. */
	r->bytes = used ? malloc(size) : kept;
	if (!r->bytes) {	/* then the bytes stay where they are, and grow */
		r->bytes = kept;
		forget_pending(r, first);
		return;
	}
	for (i = first, used = 0; i < r->count; i++) {
		struct pending *p = &r->pending[i - first];

		*p = r->pending[i];
		memcpy(r->bytes + used, kept + p->offset, p->size);
		p->offset = used;
		used += p->size;
	}
	r->count -= first;
	r->bytes_used = used;
	if (used) {
		r->bytes_size = size;
		free(kept);
	}
	give_back(r);
}

uint64_t reorder__horizon(struct reorder *r, uint64_t now_ns, bool all)
{
	if (all || !r->all_read_ns)
		r->all_read_ns = now_ns;
	r->gave_up = now_ns - r->all_read_ns > REORDER_WAIT_MAX_NS;
	return (r->gave_up ? now_ns : r->all_read_ns) - REORDER_WINDOW_NS;
}

int reorder__release(struct reorder *r, uint64_t until_ns, stream_fn fn, void *context)
{
	size_t i;
	int err = 0;

	if (!r->count)
		return 0;
	if (!is_sorted(r))
		qsort(r->pending, r->count, sizeof(*r->pending), by_time);
	for (i = 0; i < r->count && r->pending[i].mono_ns <= until_ns && !err; i++)
		err = fn(context, r->bytes + r->pending[i].offset, r->pending[i].size);
	keep_from(r, i);
	if (until_ns > r->released_until_ns)
		r->released_until_ns = until_ns;
	return err;
}

void reorder__free(struct reorder *r)
{
	free(r->pending);
	free(r->bytes);
	*r = (struct reorder){ 0 };
}
