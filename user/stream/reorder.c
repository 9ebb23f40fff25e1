// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stream/reorder.h"

#define BLOCK_BYTES (1 << 18)
#define PENDING_MIN 4096

/* Encoded records, as they arrived. */
struct block {
	struct block *next;	/* while it is free */
	uint32_t used;
	uint32_t held;		/* records that were not passed on yet */
	uint8_t bytes[BLOCK_BYTES - 16];
};

struct pending {
	uint64_t mono_ns;
	uint64_t number;
	struct block *block;
	uint32_t offset, size;
};

static struct pending *first_of(const struct reorder *r)
{
	return r->pending + r->passed_on;
}

/* ---- memory ---- */

/* Not from malloc(), which would keep the memory of a burst between what else it gave. */
static struct block *map_block(struct reorder *r)
{
	struct block *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED)
		return NULL;
	r->block_count++;
	return b;
}

static struct block *take_free_block(struct reorder *r)
{
	struct block *b = r->free;

	if (b) {
		r->free = b->next;
		r->free_count--;
		b->used = b->held = 0;
	}
	return b;
}

static void unmap_block(struct reorder *r, struct block *b)
{
	if (b)
		munmap(b, sizeof(*b));
	r->block_count -= b != NULL;
}

/* A walk fills them again at once; but a burst's memory is not kept until the end. */
static void free_block(struct reorder *r, struct block *b)
{
	b->next = r->free;
	r->free = b;
	r->free_count++;
	while (r->free_count > 1 && r->free_count > r->block_count / 2)
		unmap_block(r, take_free_block(r));
}

static void move_to_front(struct reorder *r)
{
	memmove(r->pending, first_of(r), r->count * sizeof(*r->pending));
	r->passed_on = 0;
}

static bool resize(struct reorder *r, size_t size)
{
	struct pending *all = realloc(r->pending, size * sizeof(*all));

	if (!all)
		return false;
	r->pending = all;
	r->size = size;
	return true;
}

static int reserve(struct reorder *r)
{
	if (r->passed_on + r->count == r->size) {
		if (r->passed_on > r->size / 2)
			move_to_front(r);
		else if (!resize(r, r->size ? r->size * 2 : PENDING_MIN))
			return -ENOMEM;
	}
	if (!r->last || r->last->used + RECORD_SIZE_MAX > sizeof(r->last->bytes))
		r->last = take_free_block(r) ?: map_block(r);
	return r->last ? 0 : -ENOMEM;
}

static void give_back(struct reorder *r)
{
	size_t size = r->size;

	while (size > PENDING_MIN && r->count < size / 4)
		size /= 2;
	if (size == r->size)
		return;
	move_to_front(r);
	resize(r, size);
}

/* ---- order ---- */

/* By time, and by arrival where that is the same. */
static int by_time(const void *a, const void *b)
{
	const struct pending *p = a, *q = b;

	if (p->mono_ns != q->mono_ns)
		return p->mono_ns < q->mono_ns ? -1 : 1;
	return p->number < q->number ? -1 : p->number > q->number;
}

/* How many of those in order come before all the others. */
static size_t count_settled(const struct reorder *r)
{
	const struct pending *all = first_of(r);
	size_t low = 0, high = r->in_order, i, earliest = r->in_order;

	for (i = earliest + 1; i < r->count; i++)
		if (by_time(&all[i], &all[earliest]) < 0)
			earliest = i;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_time(&all[middle], &all[earliest]) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Rows of a walk come in order, among a few events that do not. */
static void sort(struct reorder *r)
{
	size_t settled;

	if (r->in_order == r->count)
		return;
	settled = count_settled(r);
	qsort(first_of(r) + settled, r->count - settled, sizeof(*r->pending), by_time);
	r->in_order = r->count;
}

int reorder__push(struct reorder *r, const struct record *record)
{
	struct pending *p;
	int err = reserve(r);

	if (err)
		return err;
	p = first_of(r) + r->count;
	*p = (struct pending){ .mono_ns = record->mono_ns, .number = r->pushed++,
			       .block = r->last, .offset = r->last->used };
	p->size = record__encode(record, r->last->bytes + p->offset);
	r->last->used += p->size;
	r->last->held++;
	if (r->in_order == r->count && (!r->count || p[-1].mono_ns <= p->mono_ns))
		r->in_order++;
	r->count++;
	if (record->mono_ns < r->released_until_ns)
		r->late++;
	return 0;
}

uint64_t reorder__horizon(struct reorder *r, uint64_t now_ns, bool all)
{
	if (all || !r->all_read_ns)
		r->all_read_ns = now_ns;
	r->gave_up = now_ns - r->all_read_ns > REORDER_WAIT_MAX_NS;
	return (r->gave_up ? now_ns : r->all_read_ns) - REORDER_WINDOW_NS;
}

static void drop_first(struct reorder *r)
{
	struct block *b = first_of(r)->block;

	r->passed_on++;
	r->count--;
	r->in_order--;
	if (--b->held)
		return;
	if (b == r->last)
		b->used = 0;
	else
		free_block(r, b);
}

int reorder__release(struct reorder *r, uint64_t until_ns, stream_fn fn, void *context)
{
	int err = 0;

	sort(r);
	while (!err && r->count && first_of(r)->mono_ns <= until_ns) {
		const struct pending *p = first_of(r);

		err = fn(context, p->block->bytes + p->offset, p->size);
		drop_first(r);
	}
	give_back(r);
	if (r->count == 0)
		r->passed_on = 0;
	if (until_ns > r->released_until_ns)
		r->released_until_ns = until_ns;
	return err;
}

void reorder__free(struct reorder *r)
{
	while (r->count)
		drop_first(r);
	while (r->free)
		unmap_block(r, take_free_block(r));
	unmap_block(r, r->last);
	free(r->pending);
	*r = (struct reorder){ 0 };
}
