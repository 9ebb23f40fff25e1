// SPDX-License-Identifier: GPL-2.0
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "filter/filter.h"
#include "filter/node.h"
#include "value/number.h"

static enum truth truth_of(bool b)
{
	return b ? TRUTH_YES : TRUTH_NO;
}

static bool compares(enum filter_compare compare, uint32_t a, uint32_t b)
{
	switch (compare) {
	case EQUAL:
		return a == b;
	case NOT_EQUAL:
		return a != b;
	case LESS:
		return a < b;
	case LESS_OR_EQUAL:
		return a <= b;
	case GREATER:
		return a > b;
	case GREATER_OR_EQUAL:
		return a >= b;
	}
	return false;
}

static bool host_matches(const struct filter_host *h, uint8_t family, const struct endpoint *e)
{
	struct endpoint end = endpoint__mapped(e, family);

	if (h->port >= 0 && h->port != e->port)
		return false;
	return network__holds(&h->network, end.address);
}

static bool is_number(const char *word)
{
	return word[strspn(word, "0123456789")] == '\0';
}

const char *filter__find_netns(const struct filter *f, bool (*is_wanted)(const char *word))
{
	const char *found = NULL;

	if (f->kind == NODE_NETNS)
		return is_wanted(f->word) ? f->word : NULL;
	if (f->left)
		found = filter__find_netns(f->left, is_wanted);
	if (!found && f->right)
		found = filter__find_netns(f->right, is_wanted);
	return found;
}

static bool netns_matches(const struct filter *f, const struct filter_subject *s, bool *known)
{
	uint64_t cookie;
	uint32_t inode;
	int end = 0;

	if (sscanf(f->word, "inode:%" SCNu32 ",cookie:%" SCNu64 "%n", &inode, &cookie, &end) == 2 &&
	    !f->word[end]) {
		*known = inode != s->netns || s->netns_cookie;
		return inode == s->netns && cookie == s->netns_cookie;
	}
	*known = s->netns_name || is_number(f->word);
	if (number__read(f->word, strlen(f->word), UINT32_MAX, &inode) && inode == s->netns)
		return true;
	return s->netns_name && !fnmatch(f->word, s->netns_name, 0);
}

/* The cgroup itself, or one beneath it. */
static bool cgroup_matches(const char *pattern, const char *cgroup)
{
	size_t length = strlen(pattern);

	return !fnmatch(pattern, cgroup, 0) || (!strncmp(pattern, cgroup, length) &&
						(cgroup[length] == '/' || !strcmp(pattern, "/")));
}

static bool container_matches(const char *pattern, const char *id)
{
	return *id && (!strncmp(pattern, id, strlen(pattern)) || !fnmatch(pattern, id, 0));
}

/* Does the word of `f` match, and is the value known at all? */
static bool word_matches(const struct filter *f, const struct filter_subject *s, bool *known)
{
	const struct owner *o = s->owner;

	*known = true;
	switch (f->kind) {
	case NODE_NETNS:
		return netns_matches(f, s, known);
	case NODE_DEVICE:
		*known = s->device;
		return s->device && !fnmatch(f->word, s->device, 0);
	case NODE_COMM:
		*known = o;
		return o && !fnmatch(f->word, o->comm, 0);
	case NODE_CGROUP:
		*known = o;
		return o && cgroup_matches(f->word, *o->cgroup ? o->cgroup : "/");
	case NODE_CONTAINER:
		*known = o;
		return o && container_matches(f->word, o->container_id);
	default:
		return false;
	}
}

enum truth filter__matches(const struct filter *f, const struct filter_subject *s)
{
	enum truth left, right;
	bool fits, known;

	switch (f->kind) {
	case NODE_AND:
	case NODE_OR:
		left = filter__matches(f->left, s);
		right = filter__matches(f->right, s);
		return (left < right) == (f->kind == NODE_AND) ? left : right;
	case NODE_NOT:
		return TRUTH_YES - filter__matches(f->left, s);
	case NODE_SPORT:
		return truth_of(compares(f->compare, s->local.port, f->number));
	case NODE_DPORT:
		if (s->of_many_peers)
			return TRUTH_UNKNOWN;
		return truth_of(compares(f->compare, s->peer.port, f->number));
	case NODE_SRC:
		fits = host_matches(&f->host, s->family, &s->local);
		return truth_of(fits == (f->compare == EQUAL));
	case NODE_DST:
		if (s->of_many_peers)
			return TRUTH_UNKNOWN;
		fits = host_matches(&f->host, s->family, &s->peer);
		return truth_of(fits == (f->compare == EQUAL));
	case NODE_STATE:
		if (!s->state)
			return TRUTH_UNKNOWN;
		fits = s->state < 32 &&
		       f->number & FILTER_STATE_BIT(s->state); /* a file may hold any number */
		return truth_of(fits == (f->compare == EQUAL));
	case NODE_PID:
		if (!s->owner)
			return TRUTH_UNKNOWN;
		return truth_of(compares(f->compare, s->owner->pid, f->number));
	default:
		fits = word_matches(f, s, &known);
		return known ? truth_of(fits == (f->compare == EQUAL)) : TRUTH_UNKNOWN;
	}
}

unsigned int filter__tests(const struct filter *f, const struct filter **tests, unsigned int size)
{
	unsigned int count;

	switch (f->kind) {
	case NODE_AND:
	case NODE_OR:
		count = filter__tests(f->left, tests, size);
		return count + filter__tests(f->right, tests + count, size - count);
	case NODE_NOT:
		return 0;
	default:
		if (size)
			tests[0] = f;
		return size > 0;
	}
}

bool filter__could_match(const struct filter *f,
			 bool (*can)(void *context, const struct filter *test), void *context)
{
	switch (f->kind) {
	case NODE_AND:
		return filter__could_match(f->left, can, context) &&
		       filter__could_match(f->right, can, context);
	case NODE_OR:
		return filter__could_match(f->left, can, context) ||
		       filter__could_match(f->right, can, context);
	case NODE_NOT:
		return true;
	default:
		return can(context, f);
	}
}

bool filter__asks_for_state(const struct filter *f, uint8_t state)
{
	switch (f->kind) {
	case NODE_AND:
	case NODE_OR:
		return filter__asks_for_state(f->left, state) ||
		       filter__asks_for_state(f->right, state);
	case NODE_STATE:
		return f->compare == EQUAL && f->number & FILTER_STATE_BIT(state);
	default:
		return false;
	}
}

enum filter_asks filter__asks(const struct filter *test)
{
	switch (test->kind) {
	case NODE_NETNS:
		return FILTER_ASKS_NETNS;
	case NODE_COMM:
		return FILTER_ASKS_COMM;
	case NODE_PID:
		return FILTER_ASKS_PID;
	case NODE_CGROUP:
	case NODE_CONTAINER:
		return FILTER_ASKS_GROUP;
	case NODE_DEVICE:
		return FILTER_ASKS_DEVICE;
	default:
		return FILTER_ASKS_ENDS;
	}
}

const char *filter__word(const struct filter *test)
{
	return test->compare == EQUAL ? test->word : NULL;
}
