// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "text/stories.h"

void happening__free(struct happening *h)
{
	words__free(&h->line);
	words__free(&h->who);
	words__free(&h->how);
}

static void widen(struct story_range *all, const struct story_range *one, bool first)
{
	if (first) {
		*all = *one;
		return;
	}
	all->known &= one->known;
	all->least_known &= one->least_known;
	if (one->least < all->least)
		all->least = one->least;
	if (one->most > all->most)
		all->most = one->most;
}

/* ---- lines that wait for stories before them ---- */

static void forget(struct story *story)
{
	words__free(&story->who);
	words__free(&story->how);
	*story = (struct story){ .used = false };
}

static void tell(struct stories *s, int64_t at, struct words *line)
{
	s->tell(s->context, at, line);
	words__free(line);
}

/* One of several waiting lines of a story tells all of it; the others are dropped. */
static void tell_line(struct stories *s, struct story_line *l)
{
	struct story *story = l->story;
	struct words all = { 0 };

	if (!story || story->count <= STORY_FEW) {
		tell(s, l->at, &l->words);
	} else if (!story->told) {
		s->compose(s->context, story, &all);
		tell(s, l->at, &all);
		story->told = true;
	}
	words__free(&l->words);
	if (story && !--story->waiting && story->over)
		forget(story);
}

static void tell_first(struct stories *s)
{
	struct story_line l = s->lines[s->first];

	s->first = (s->first + 1) % STORY_LINES_MAX;
	s->count--;
	tell_line(s, &l);
}

static void tell_ready(struct stories *s)
{
	while (s->count && (!s->lines[s->first].story || s->lines[s->first].story->over))
		tell_first(s);
}

/* Room is needed: the oldest story is over sooner. */
static void tell_oldest(struct stories *s)
{
	if (s->lines[s->first].story)
		s->lines[s->first].story->over = true;
	tell_ready(s);
}

static void append(struct stories *s, int64_t at, struct words *words, struct story *story)
{
	s->lines[(s->first + s->count++) % STORY_LINES_MAX] =
		(struct story_line){ at, *words, story };
	*words = (struct words){ 0 };
}

static void make_room(struct stories *s)
{
	while (s->count == STORY_LINES_MAX)
		tell_oldest(s);
}

/* ---- stories ---- */

/* Can nothing that happens at `at_ns` or later belong to it? */
static bool is_over_at(const struct story *story, uint64_t at_ns)
{
	return at_ns > story->last_ns + STORY_QUIET_NS ||
	       at_ns > story->first_ns + STORY_LONGEST_NS;
}

static void end_until(struct stories *s, uint64_t at_ns)
{
	struct story *story;

	for (story = s->stories; story < s->stories + STORIES_MAX; story++)
		if (story->used && !story->over && is_over_at(story, at_ns))
			story->over = true;
	tell_ready(s);
}

static struct story *find(struct stories *s, const struct story_key *key)
{
	struct story *story;

	for (story = s->stories; story < s->stories + STORIES_MAX; story++)
		if (story->used && !story->over && !memcmp(&story->key, key, sizeof(*key)))
			return story;
	return NULL;
}

static struct story *find_free(struct stories *s)
{
	struct story *story;

	for (;;) {
		for (story = s->stories; story < s->stories + STORIES_MAX; story++)
			if (!story->used)
				return story;
		tell_oldest(s);
	}
}

static void begin(struct story *story, struct happening *h)
{
	*story = (struct story){ .key = h->key, .who = h->who, .how = h->how,
				 .first_ns = h->at_ns, .used = true };
	h->who = h->how = (struct words){ 0 };
}

static void join(struct story *story, const struct happening *h)
{
	widen(&story->range, &h->range, !story->count++);
	if (h->at_ns > story->last_ns)
		story->last_ns = h->at_ns;
}

static void add_to_story(struct stories *s, struct happening *h)
{
	struct story *story = find(s, &h->key);

	if (!story) {
		story = find_free(s);
		begin(story, h);
	}
	join(story, h);
	if (story->count > STORY_FEW)
		return;
	append(s, h->at, &h->line, story);
	story->waiting++;
}

/* ---- good news ---- */

static struct good_news *news_of(struct stories *s, const struct story_key *key)
{
	unsigned int i;

	for (i = 0; i < s->news_count; i++)
		if (!memcmp(&s->news[i].key, key, sizeof(*key)))
			return &s->news[i];
	if (s->news_count == STORY_GROUPS_MAX)
		return NULL;
	s->news[s->news_count] = (struct good_news){ .key = *key };
	return &s->news[s->news_count++];
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool add_to_news(struct stories *s, struct happening *h)
{
	struct good_news *n = news_of(s, &h->key);

	if (!n)
		return false;
	if (!n->all.used)
		begin(&n->all, h);
	if (!n->pending++) {
		n->since_ns = h->at_ns;
		n->due_ns = UINT64_MAX;
	}
	if (n->pending >= n->told && n->due_ns == UINT64_MAX)
		n->due_ns = later(n->since_ns + STORY_GOOD_NEWS_NS, h->at_ns);
	join(&n->all, h);
	if (n->pending <= STORY_FEW) {
		n->few[n->pending - 1] = h->line;
		h->line = (struct words){ 0 };
	}
	return true;
}

static void tell_news(struct stories *s, struct good_news *n, uint64_t at_ns)
{
	bool each = n->pending <= STORY_FEW;
	struct words all = { 0 };
	unsigned int i;

	for (i = 0; i < STORY_FEW && i < n->pending; i++) {
		make_room(s);
		if (each)
			append(s, (int64_t)at_ns + s->wall_ns, &n->few[i], NULL);
		words__free(&n->few[i]);
	}
	if (!each) {
		make_room(s);
		s->compose(s->context, &n->all, &all);
		append(s, (int64_t)at_ns + s->wall_ns, &all, NULL);
	}
	n->told += n->pending;
	n->pending = 0;
}

/* Those that are due first come first. */
static struct good_news *due(struct stories *s, uint64_t until_ns)
{
	struct good_news *first = NULL, *n;

	for (n = s->news; n < s->news + s->news_count; n++)
		if (n->pending && n->due_ns <= until_ns && (!first || n->due_ns < first->due_ns))
			first = n;
	return first;
}

static void tell_due_news(struct stories *s, uint64_t until_ns)
{
	struct good_news *n;

	while ((n = due(s, until_ns))) {
		end_until(s, n->due_ns);
		tell_news(s, n, n->due_ns);
	}
}

/* ---- all ---- */

void stories__pass_time(struct stories *s, uint64_t until_ns)
{
	if (until_ns > s->now_ns)
		s->now_ns = until_ns;
	tell_due_news(s, s->now_ns);
	end_until(s, s->now_ns);
}

void stories__add(struct stories *s, struct happening *h)
{
	stories__pass_time(s, h->at_ns);
	s->wall_ns = h->at - (int64_t)h->at_ns;
	make_room(s);
	if (h->key.kind == STORY_NONE)
		append(s, h->at, &h->line, NULL);
	else if (h->key.kind != STORY_HEARTBEAT || !add_to_news(s, h))
		add_to_story(s, h);
	happening__free(h);
	tell_ready(s);
}

void stories__end(struct stories *s)
{
	struct good_news *n;

	while (s->count)
		tell_oldest(s);
	for (n = s->news; n < s->news + s->news_count; n++) {
		if (n->pending)
			tell_news(s, n, s->now_ns);
		forget(&n->all);
	}
	s->news_count = 0;
	while (s->count)
		tell_oldest(s);
}
