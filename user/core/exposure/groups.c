// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "exposure/groups.h"
#include "value/hash.h"
#include "value/program_name.h"

#define SIZE_MIN 64

_Static_assert(sizeof(struct exposure_key) % sizeof(uint64_t) == 0, "hashed by words");

void exposure_key__set_program(struct exposure_key *key, const char *comm)
{
	comm = program_name__shown(comm);
	memset(key->comm, 0, sizeof(key->comm));
	memcpy(key->comm, comm, strnlen(comm, sizeof(key->comm) - 1));
}

/* Its place, or the free one where it would be. */
static uint32_t *find(const struct exposure_groups *g, const struct exposure_key *key)
{
	size_t i = (hash__bytes(0, key, sizeof(*key)) >> 32) * g->size >> 32;

	while (g->places[i] && memcmp(&g->all[g->places[i] - 1].key, key, sizeof(*key)))
		i = i + 1 < g->size ? i + 1 : 0;
	return &g->places[i];
}

static bool grow(struct exposure_groups *g)
{
	size_t size = g->size ? 2 * g->size : SIZE_MIN, i;
	struct exposure_group *all = realloc(g->all, size / 2 * sizeof(*all));
	uint32_t *places;

	if (!all)
		return false;
	g->all = all;
	places = calloc(size, sizeof(*places));
	if (!places)
		return false;
	free(g->places);
	g->places = places;
	g->size = size;
	for (i = 0; i < g->count; i++)
		*find(g, &g->all[i].key) = i + 1;
	return true;
}

struct exposure_counts *exposure_groups__of(struct exposure_groups *g,
					    const struct exposure_key *key)
{
	uint32_t *place;

	if (g->count >= g->size / 2 && !grow(g))
		return NULL;
	place = find(g, key);
	if (!*place) {
		g->all[g->count] = (struct exposure_group){ .key = *key };
		*place = ++g->count;
	}
	return &g->all[*place - 1].counts;
}

size_t exposure_groups__rank(const struct exposure_groups *g,
			     uint32_t (*count_of)(const struct exposure_counts *c),
			     struct program_count *most, size_t size)
{
	struct program_count *all = calloc(g->count + 1, sizeof(*all));
	size_t i, n = 0;

	if (!all)
		return 0;
	for (i = 0; i < g->count; i++) {
		all[n].sockets = count_of(&g->all[i].counts);
		if (!all[n].sockets)
			continue;
		memcpy(all[n++].comm, g->all[i].key.comm, sizeof(all->comm));
	}
	n = ranking__of_programs(all, n);
	if (n > size)
		n = size;
	memcpy(most, all, n * sizeof(*all));
	free(all);
	return n;
}

void exposure_groups__free(struct exposure_groups *g)
{
	free(g->all);
	free(g->places);
	*g = (struct exposure_groups){ 0 };
}
