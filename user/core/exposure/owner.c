// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exposure/owner.h"

static uint32_t *chain_of(struct owners *o, uint32_t pid)
{
	return &o->chains[pid % 256];
}

static uint32_t new_entry(struct owners *o)
{
	uint32_t i = o->free;

	if (i) {
		o->free = o->entries[i].next;
		return i;
	}
	if (o->used + 1 >= o->size) {
		uint32_t size = o->size ? o->size * 2 : 64;
		struct owner *bigger = realloc(o->entries, size * sizeof(*bigger));

		if (!bigger)
			return 0;
		memset(bigger + o->size, 0, (size - o->size) * sizeof(*bigger));
		o->entries = bigger;
		o->size = size;
	}
	return ++o->used;
}

uint32_t owners__take(struct owners *o, uint32_t pid, const char *comm, const char *cgroup,
		      const char *container_id)
{
	uint32_t *chain = chain_of(o, pid);
	struct owner *entry;
	uint32_t i;

	for (i = *chain; i; i = o->entries[i].next) {
		entry = &o->entries[i];
		if (entry->pid == pid && !strncmp(entry->comm, comm, sizeof(entry->comm) - 1) &&
		    !strcmp(entry->cgroup, cgroup) && !strcmp(entry->container_id, container_id))
			return owners__share(o, i);
	}
	i = new_entry(o);
	if (!i)
		return 0;
	entry = &o->entries[i];
	*entry = (struct owner){ .pid = pid, .cgroup = strdup(cgroup),
				 .container_id = strdup(container_id), .references = 1,
				 .next = *chain };
	snprintf(entry->comm, sizeof(entry->comm), "%s", comm);
	*chain = i;
	if (!entry->cgroup || !entry->container_id) {
		owners__drop(o, i);
		return 0;
	}
	return i;
}

uint32_t owners__share(struct owners *o, uint32_t index)
{
	if (index)
		o->entries[index].references++;
	return index;
}

void owners__drop(struct owners *o, uint32_t index)
{
	struct owner *entry;
	uint32_t *link;

	if (!index || --o->entries[index].references)
		return;
	entry = &o->entries[index];
	for (link = chain_of(o, entry->pid); *link != index; link = &o->entries[*link].next)
		;
	*link = entry->next;
	free(entry->cgroup);
	free(entry->container_id);
	*entry = (struct owner){ .next = o->free };
	o->free = index;
}

const struct owner *owners__at(const struct owners *o, uint32_t index)
{
	return index ? &o->entries[index] : NULL;
}

void owners__free(struct owners *o)
{
	uint32_t i;

	for (i = 1; i <= o->used; i++) {
		free(o->entries[i].cgroup);
		free(o->entries[i].container_id);
	}
	free(o->entries);
	*o = (struct owners){ 0 };
}
