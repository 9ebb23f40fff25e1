/* SPDX-License-Identifier: GPL-2.0 */
/* Exposure counted by program, port, namespace and carrier. */
#ifndef HALFOPEN_CORE_EXPOSURE_GROUPS_H
#define HALFOPEN_CORE_EXPOSURE_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "exposure/counts.h"
#include "exposure/ranking.h"

/* The common properties of a group. Others stay 0: the key is compared as bytes. */
struct exposure_key {
	char comm[16];		/* of the program, cut off with zeroes; "": not known */
	uint64_t net_cookie;	/* the namespace's; 0: not known */
	uint32_t netns;		/* inode */
	uint16_t port;		/* ours */
	uint16_t carrier;	/* the caller's number */
	uint64_t port_unknown;	/* 1: it is not known whether it listens */
};

struct exposure_group {
	struct exposure_key key;
	struct exposure_counts counts;
};

struct exposure_groups {
	struct exposure_group *all;	/* in order of appearance */
	size_t count;
	uint32_t *places;	/* hash table of indices from 1; 0: free */
	size_t size;
};

/* The key's program: a name of a process, whatever stands behind its end; an empty one is '' (as
 * the key has "" where none is known). */
void exposure_key__set_program(struct exposure_key *key, const char *comm);

/* The counts of this group, new ones where it is met for the first time; NULL when memory is short.
 * They move when a group is added. */
struct exposure_counts *exposure_groups__of(struct exposure_groups *g,
					    const struct exposure_key *key);

/* The programs by one count, most sockets first, those with none left out: at most `size` into
 * `most`; returns how many. */
size_t exposure_groups__rank(const struct exposure_groups *g,
			     uint32_t (*count_of)(const struct exposure_counts *c),
			     struct program_count *most, size_t size);

void exposure_groups__free(struct exposure_groups *g);

#endif
