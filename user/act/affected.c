// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "act/affected.h"
#include "exposure/groups.h"
#include "kernel/cookie_set.h"
#include "kernel/kernel_btf.h"
#include "kernel/snapshot.h"
#include "sys/capability.h"

struct search {
	uint32_t netns;
	struct exposure_groups groups;	/* by program */
	struct exposure_counts counts;
	struct cookie_set met;	/* several processes may hold one socket */
};

/* Values that depend on HZ are not used. */
static const struct exposure_rules rules = { .hz = 100 };

static int on_row(void *context, const struct ho_row *row)
{
	struct search *s = context;
	struct exposure x = exposure__of(&row->event, &rules);
	struct exposure_key key = { .netns = 0 };
	struct exposure_counts *of_program;

	if (row->event.netns != s->netns || !row->pid ||
	    !cookie_set__add(&s->met, row->event.cookie))
		return 0;
	exposure_key__set_program(&key, row->comm);
	of_program = exposure_groups__of(&s->groups, &key);
	if (of_program)
		exposure_counts__add(of_program, &x);
	exposure_counts__add(&s->counts, &x);
	return 0;
}

static void tell(const struct search *s, struct affected *a)
{
	a->following = exposure_counts__following(&s->counts);
	a->without = s->counts.sockets - s->counts.with_keepalive;
	a->own = s->counts.own_options;
	a->programs = calloc(s->groups.count + 1, sizeof(*a->programs));
	if (a->programs)
		a->program_count = exposure_groups__rank(&s->groups, exposure_counts__following,
							 a->programs, s->groups.count);
}

int affected__find(uint32_t netns, struct affected *a)
{
	struct search search = { .netns = netns };
	struct snapshot *snapshot = NULL;
	struct kernel_btf *btf = NULL;
	int err;

	*a = (struct affected){ 0 };
	if (capability__missing_for_bpf())
		return -EPERM;
	support__hush_libbpf();
	err = kernel_btf__open(&btf);
	if (!err)
		err = snapshot__open(btf, &snapshot);
	if (!err)
		err = snapshot__held(snapshot, false, on_row, &search);
	snapshot__close(snapshot);
	kernel_btf__close(btf);
	tell(&search, a);
	cookie_set__free(&search.met);
	exposure_groups__free(&search.groups);
	return err;
}

void affected__free(struct affected *a)
{
	free(a->programs);
	*a = (struct affected){ 0 };
}
