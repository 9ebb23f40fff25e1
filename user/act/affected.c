// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/affected.h"
#include "kernel/holders.h"
#include "kernel/kernel_btf.h"
#include "kernel/snapshot.h"
#include "sys/capability.h"
#include "tcp/keepalive.h"

struct search {
	uint32_t netns;
	struct affected *touched;
	struct holders met;	/* several processes may hold one socket */
};

static void count_program(struct affected *t, const char *comm)
{
	struct program_count *bigger;
	size_t i;

	for (i = 0; i < t->program_count; i++)
		if (!strncmp(t->programs[i].comm, comm, sizeof(t->programs[i].comm) - 1)) {
			t->programs[i].sockets++;
			return;
		}
	bigger = realloc(t->programs, (t->program_count + 1) * sizeof(*bigger));
	if (!bigger)
		return;
	t->programs = bigger;
	bigger[t->program_count] = (struct program_count){ .sockets = 1 };
	snprintf(bigger[t->program_count++].comm, sizeof(bigger->comm), "%s", comm);
}

static int on_row(void *context, const struct ho_row *row)
{
	struct search *s = context;
	struct keepalive k = keepalive__of(&row->event);

	if (row->event.netns != s->netns || !row->pid ||
	    !holders__is_first(&s->met, row->event.cookie))
		return 0;
	if (!k.enabled) {
		s->touched->without++;
	} else if (k.idle_from_socket && k.interval_from_socket && k.probes_from_socket) {
		s->touched->own++;
	} else {
		s->touched->following++;
		count_program(s->touched, row->comm);
	}
	return 0;
}

int affected__find(uint32_t netns, struct affected *t)
{
	struct search search = { .netns = netns, .touched = t };
	struct snapshot *snapshot = NULL;
	struct btf *btf;
	int err;

	*t = (struct affected){ 0 };
	if (capability__missing_for_bpf())
		return -EPERM;
	support__hush_libbpf();
	err = kernel_btf__load(&btf);
	if (!err)
		err = snapshot__open(btf, &snapshot);
	if (!err)
		err = snapshot__held(snapshot, false, on_row, &search);
	snapshot__close(snapshot);
	btf__free(btf);
	holders__free(&search.met);
	t->program_count = ranking__of_programs(t->programs, t->program_count);
	return err;
}

void affected__free(struct affected *t)
{
	free(t->programs);
	*t = (struct affected){ 0 };
}
