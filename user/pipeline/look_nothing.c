// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "exposure/groups.h"
#include "pipeline/look_nothing.h"
#include "sys/log.h"
#include "sys/process.h"
#include "value/plain_text.h"
#include "value/program_name.h"
#include "value/words.h"

#define PROGRAMS_NAMED 5

static uint32_t all(const struct exposure_counts *c)
{
	return c->sockets;
}

/* The programs that hold most, whether they are wanted or not. */
static void add_programs(struct words *w, const struct look *l)
{
	struct program_count most[PROGRAMS_NAMED];
	struct exposure_groups groups = { 0 };
	char quoted[PLAIN_TEXT_QUOTED_SIZE(sizeof(most->comm))];
	size_t count, i;

	for (i = 1; i <= l->owners.used; i++) {
		struct exposure_key key = { .netns = 0 };
		struct exposure_counts *c;

		exposure_key__set_program(&key, owners__at(&l->owners, i)->comm);
		c = exposure_groups__of(&groups, &key);
		if (c)
			c->sockets += l->owners.entries[i].references;
	}
	count = exposure_groups__rank(&groups, all, most, PROGRAMS_NAMED);
	exposure_groups__free(&groups);
	for (i = 0; i < count; i++)
		words__add(w, "%s%s", i ? ", " : "; programs that do: ",
			   strcmp(most[i].comm, program_name__shown(""))
				   ? plain_text__quoted(most[i].comm, quoted, sizeof(quoted))
				   : most[i].comm);
}

static bool is_entered(const struct look *l, const struct filter *test)
{
	unsigned int i;

	for (i = 0; i < l->namespace_count; i++) {
		struct filter_subject s = { .netns = l->namespaces[i].netns.inode,
					    .netns_cookie = l->namespaces[i].netns.cookie,
					    .netns_name = l->namespaces[i].netns.name };

		if (!l->namespaces[i].network.closed && filter__matches(test, &s) != TRUTH_NO)
			return true;
	}
	return false;
}

/* Is there one that could not be entered? */
static bool is_closed_to_us(const struct filter *test)
{
	struct netns_list list;
	bool is_there = false;
	unsigned int i;

	if (netns__list(&list))
		return false;
	for (i = 0; i < list.count && !is_there; i++) {
		struct filter_subject s = { .netns = list.all[i].inode,
					    .netns_name = list.all[i].name };

		is_there = filter__matches(test, &s) != TRUTH_NO;
	}
	netns__free(&list);
	return is_there;
}

static void add_netns(struct words *w, const struct look *l, const struct filter *test,
		      const char *word)
{
	if (!word || is_entered(l, test))
		words__add(w, "no TCP connection is in such a network namespace now");
	else if (is_closed_to_us(test))
		words__add(w, "network namespace '%s' cannot be entered, which needs CAP_SYS_ADMIN, "
			   "and no TCP connection in there is seen without", word);
	else
		words__add(w, "there is no network namespace '%s' that can be entered; "
			   "'ip netns' lists names", word);
}

static bool is_named(const void *test, const char *name)
{
	const struct filter_subject s = { .device = name };

	return filter__matches(test, &s) == TRUTH_YES;
}

static void add_device(struct words *w, const struct look *l, const struct filter *test,
		       const char *word)
{
	if (!l->config.devices)
		words__add(w, "no device is named here: --identities FILE names them");
	else if (!identities__any(l->config.devices, is_named, test))
		words__add(w, "the file of identities names no device %s%s%s",
			   word ? "'" : "of another name", word ? word : "", word ? "'" : "");
	else
		words__add(w, "no TCP connection now is of %s%s%s, which the file of identities "
			   "names",
			   word ? "device '" : "such a device", word ? word : "", word ? "'" : "");
}

static void add_reason(struct words *w, const struct look *l, const struct filter *test)
{
	const char *word = filter__word(test);

	switch (filter__asks(test)) {
	case FILTER_ASKS_NETNS:
		add_netns(w, l, test, word);
		break;
	case FILTER_ASKS_COMM:
		words__add(w, "no process %s%s%s holds a TCP connection now",
			   word ? "called '" : "of another name", word ? word : "",
			   word ? "'" : "");
		add_programs(w, l);
		break;
	case FILTER_ASKS_PID:
		words__add(w, "no process with such an id holds a TCP connection now");
		break;
	case FILTER_ASKS_GROUP:
		words__add(w, "no process in %s%s%s holds a TCP connection now",
			   word ? "'" : "another one", word ? word : "", word ? "'" : "");
		break;
	case FILTER_ASKS_DEVICE:
		add_device(w, l, test, word);
		break;
	case FILTER_ASKS_ENDS:
		words__add(w, "no TCP connection has such an address, port or state now");
		break;
	}
}

static const char *name_of(const struct filter *test)
{
	static const char *const names[] = {
		[FILTER_ASKS_ENDS] = "address, port or state", [FILTER_ASKS_NETNS] = "netns",
		[FILTER_ASKS_COMM] = "comm", [FILTER_ASKS_PID] = "pid",
		[FILTER_ASKS_GROUP] = "cgroup or container", [FILTER_ASKS_DEVICE] = "device",
	};

	return names[filter__asks(test)];
}

void look_nothing__add(struct words *w, const struct look *l)
{
	bool explained = false;
	unsigned int i;

	if (!l->config.filter || l->count)
		return;
	for (i = 0; i < l->test_count; i++) {
		if (l->tests[i].passed)
			continue;
		words__add(w, "FILTER, %s: ", name_of(l->tests[i].test));
		add_reason(w, l, l->tests[i].test);
		words__append(w, "\n", 1);
		explained = true;
	}
	if (!explained)
		words__add(w, "FILTER: of %zu TCP connections none passes all of it now\n",
			   l->looked_at);
}

void look_nothing__explain(const struct look *l)
{
	struct words w = { 0 };
	char *rest, *line;

	look_nothing__add(&w, l);
	for (rest = w.text; rest && (line = strsep(&rest, "\n")) && *line;)
		log_info("%s", line);
	words__free(&w);
}

/* ---- could anything pass it? ---- */

struct possibility {
	const struct look *l;
	const struct owner *owner;	/* NULL: sockets without one */
};

static bool can_pass(void *context, const struct filter *test)
{
	const struct possibility *p = context;
	struct filter_subject s = { .owner = p->owner };

	switch (filter__asks(test)) {
	case FILTER_ASKS_ENDS:
		return true;
	case FILTER_ASKS_NETNS:
		return is_entered(p->l, test) || is_closed_to_us(test);
	case FILTER_ASKS_DEVICE:
		return p->l->config.devices &&
		       identities__any(p->l->config.devices, is_named, test);
	default:
		return p->owner && filter__matches(test, &s) == TRUTH_YES;
	}
}

static bool could_be_of(void *context, uint32_t pid, const char *comm)
{
	const struct look *l = context;
	struct process_place place;
	struct owner owner = { .pid = pid, .cgroup = place.cgroup,
			       .container_id = place.container_id };
	struct possibility p = { l, &owner };

	process__find_place(pid, comm, &place);
	strncpy(owner.comm, comm, sizeof(owner.comm) - 1);
	return filter__could_match(l->config.filter, can_pass, &p);
}

bool look_nothing__is_impossible(const struct look *l)
{
	struct possibility p = { l, NULL };

	return l->config.filter && !l->count &&
	       !filter__could_match(l->config.filter, can_pass, &p) &&
	       !process__any(could_be_of, (void *)l);
}
