/* SPDX-License-Identifier: GPL-2.0 */
/* Owners of sockets (process, cgroup, container). A program with 100,000 sockets is stored once. */
#ifndef HALFOPEN_CORE_EXPOSURE_OWNER_H
#define HALFOPEN_CORE_EXPOSURE_OWNER_H

#include <stddef.h>
#include <stdint.h>

struct owner {
	uint32_t pid;
	char comm[16];
	char *cgroup;		/* "" = not known */
	char *container_id;	/* "" = none */
	uint32_t references;	/* 0: free */
	uint32_t next;		/* in the chain of its hash, or of free entries */
};

struct owners {
	struct owner *entries;	/* entry 0 stands for "not known" */
	uint32_t size, used;
	uint32_t free;		/* chain */
	uint32_t chains[256];
};

/* Takes a reference to the entry that equals the arguments; 0 when memory is short. */
uint32_t owners__take(struct owners *o, uint32_t pid, const char *comm, const char *cgroup,
		      const char *container_id);

/* One more reference to what `index` stands for; returns `index`. */
uint32_t owners__share(struct owners *o, uint32_t index);

void owners__drop(struct owners *o, uint32_t index);

/* NULL for 0. */
const struct owner *owners__at(const struct owners *o, uint32_t index);

void owners__free(struct owners *o);

#endif
