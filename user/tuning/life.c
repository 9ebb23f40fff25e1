// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "tuning/life.h"
#include "value/hash.h"

/* ---- texts ---- */

static uint32_t *place_of_text(const struct texts *t, const char *text)
{
	uint64_t hash = 0;
	const char *c;
	uint32_t i;

	for (c = text; *c; c++)
		hash = hash__number(hash, (unsigned char)*c);
	i = hash % t->place_count;
	while (t->places[i] && strcmp(t->all[t->places[i]], text))
		i = i + 1 < t->place_count ? i + 1 : 0;
	return &t->places[i];
}

static bool grow_texts(struct texts *t)
{
	uint32_t size = t->size ? t->size * 2 : 64, i;
	char **all = realloc(t->all, size * sizeof(*all));
	uint32_t *places = calloc(2 * size, sizeof(*places));

	if (all)
		t->all = all;
	if (!all || !places) {
		free(places);
		return false;
	}
	free(t->places);
	t->places = places;
	t->place_count = 2 * size;
	t->size = size;
	for (i = 1; i <= t->count; i++)
		*place_of_text(t, t->all[i]) = i;
	return true;
}

uint32_t texts__of(struct texts *t, const char *text)
{
	uint32_t *place;

	if (!*text || (t->count + 1 >= t->size && !grow_texts(t)))
		return 0;
	place = place_of_text(t, text);
	if (!*place) {
		t->all[t->count + 1] = strdup(text);
		if (!t->all[t->count + 1])
			return 0;
		*place = ++t->count;
	}
	return *place;
}

const char *texts__at(const struct texts *t, uint32_t number)
{
	return number && number <= t->count ? t->all[number] : "";
}

static void free_texts(struct texts *t)
{
	uint32_t i;

	for (i = 1; i <= t->count; i++)
		free(t->all[i]);
	free(t->all);
	free(t->places);
}

/* ---- places ---- */

int life_place__order(const struct texts *t, const struct life_place *a,
		      const struct life_place *b)
{
	int order = strcmp(texts__at(t, a->gateway), texts__at(t, b->gateway));

	if (!order)
		order = strcmp(texts__at(t, a->boot), texts__at(t, b->boot));
	if (!order)
		order = a->inode < b->inode ? -1 : a->inode > b->inode;
	if (!order)
		order = a->cookie < b->cookie ? -1 : a->cookie > b->cookie;
	return order ? order : strcmp(texts__at(t, a->run), texts__at(t, b->run));
}

bool life_place__is(const struct life_place *a, const struct life_place *b)
{
	return a->gateway == b->gateway && a->boot == b->boot && a->run == b->run &&
	       a->inode == b->inode && a->cookie == b->cookie;
}

/* ---- lives ---- */

int life__order(const struct life *a, const struct life *b)
{
	if (a->cookie != b->cookie)
		return a->cookie < b->cookie ? -1 : 1;
	if (a->connection != b->connection)
		return a->connection < b->connection ? -1 : 1;
	return a->boot < b->boot ? -1 : a->boot > b->boot;
}

static size_t *place_of(const struct lives *l, const struct life *life)
{
	size_t i = hash__number(hash__number(life->boot, life->cookie), life->connection) %
		   l->place_count;

	while (l->places[i] && life__order(l->all[l->places[i] - 1], life))
		i = i + 1 < l->place_count ? i + 1 : 0;
	return &l->places[i];
}

static bool grow(struct lives *l)
{
	size_t size = l->size ? l->size * 2 : 1024, i;
	struct life **all = realloc(l->all, size * sizeof(*all));
	size_t *places = calloc(2 * size, sizeof(*places));

	if (all)
		l->all = all;
	if (!all || !places) {
		free(places);
		return false;
	}
	free(l->places);
	l->places = places;
	l->place_count = 2 * size;
	l->size = size;
	for (i = 0; i < l->count; i++)
		*place_of(l, l->all[i]) = i + 1;
	return true;
}

/* Of two runs that watched the same socket, the one that saw it last. */
static bool is_later(const struct life *a, const struct life *b)
{
	if (a->final != b->final)
		return a->final;
	return a->run == b->run ? a->revision > b->revision : a->ended_s > b->ended_s;
}

bool lives__add(struct lives *l, const struct life *life)
{
	size_t *place;

	if (l->count == l->size && !grow(l))
		return false;
	place = place_of(l, life);
	if (*place) {
		struct life *known = l->all[*place - 1];

		if (is_later(life, known))
			*known = *life;
		return true;
	}
	l->all[l->count] = malloc(sizeof(*life));
	if (!l->all[l->count])
		return false;
	*l->all[l->count] = *life;
	*place = ++l->count;
	return true;
}

const struct life *lives__find(const struct lives *l, uint32_t boot, uint64_t cookie,
			       uint32_t connection)
{
	const struct life key = { .boot = boot, .cookie = cookie, .connection = connection };
	size_t place = l->place_count ? *place_of(l, &key) : 0;

	return place ? l->all[place - 1] : NULL;
}

bool lives__add_namespace(struct lives *l, const struct life_namespace *ns)
{
	struct life_namespace *bigger;
	unsigned int i;

	for (i = 0; i < l->namespace_count; i++)
		if (l->namespaces[i].run == ns->run &&
		    life_place__is(&l->namespaces[i].place, &ns->place))
			return true;
	bigger = realloc(l->namespaces, (l->namespace_count + 1) * sizeof(*bigger));
	if (!bigger)
		return false;
	l->namespaces = bigger;
	bigger[l->namespace_count++] = *ns;
	return true;
}

struct life_run *lives__run(struct lives *l, uint32_t run_id)
{
	struct life_run *bigger;
	unsigned int i;

	for (i = 0; i < l->run_count; i++)
		if (l->runs[i].run_id == run_id)
			return &l->runs[i];
	bigger = realloc(l->runs, (l->run_count + 1) * sizeof(*bigger));
	if (!bigger)
		return NULL;
	l->runs = bigger;
	bigger[l->run_count] = (struct life_run){ .run_id = run_id };
	return &bigger[l->run_count++];
}

static int by_socket(const void *a, const void *b)
{
	const struct life *x = *(struct life *const *)a, *y = *(struct life *const *)b;

	if (x->seen_s != y->seen_s)
		return x->seen_s < y->seen_s ? -1 : 1;
	return life__order(x, y);
}

void lives__sort(struct lives *l)
{
	size_t i;

	if (!l->count)
		return;
	for (i = 0; i < l->count; i++) {
		const struct life_run *run = lives__run(l, l->all[i]->run);

		if (!l->all[i]->final && run && run->ended_s > l->all[i]->ended_s)
			l->all[i]->ended_s = run->ended_s;
	}
	qsort(l->all, l->count, sizeof(*l->all), by_socket);
	memset(l->places, 0, l->place_count * sizeof(*l->places));
	for (i = 0; i < l->count; i++)
		*place_of(l, l->all[i]) = i + 1;
}

size_t lives__same(const struct lives *a, struct lives *b)
{
	size_t same = 0, i;

	for (i = 0; b->count && i < a->count; i++) {
		const struct life *life = a->all[i], *other;
		struct life there = *life;
		size_t place;

		there.boot = texts__of(&b->texts, texts__at(&a->texts, life->boot));
		place = *place_of(b, &there);
		other = place ? b->all[place - 1] : NULL;
		same += other && other->revision == life->revision &&
			other->seen_s == life->seen_s && other->heard_s == life->heard_s &&
			other->ended_s == life->ended_s && other->outcome == life->outcome;
	}
	return same;
}

void lives__free(struct lives *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		free(l->all[i]);
	free(l->all);
	free(l->places);
	free(l->namespaces);
	free(l->runs);
	free_texts(&l->texts);
	*l = (struct lives){ 0 };
}
