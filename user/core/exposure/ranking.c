// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "exposure/ranking.h"

static int by_sockets(const void *a, const void *b)
{
	const struct program_count *x = a, *y = b;

	if (x->sockets != y->sockets)
		return x->sockets < y->sockets ? 1 : -1;
	return strcmp(x->comm, y->comm);
}

static int by_comm(const void *a, const void *b)
{
	const struct program_count *x = a, *y = b;

	return strcmp(x->comm, y->comm);
}

size_t ranking__of_programs(struct program_count *all, size_t count)
{
	size_t i, programs = 0;

	if (!count)
		return 0;
	qsort(all, count, sizeof(*all), by_comm);
	for (i = 0; i < count; i++) {
		if (programs && !strcmp(all[programs - 1].comm, all[i].comm))
			all[programs - 1].sockets += all[i].sockets;
		else
			all[programs++] = all[i];
	}
	qsort(all, programs, sizeof(*all), by_sockets);
	return programs;
}
