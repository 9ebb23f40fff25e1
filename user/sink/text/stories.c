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

/* ---- what goes on ---- */

static struct wave *wave_of(struct stories *s, const struct story_key *key)
{
	struct wave *w;

	for (w = s->waves; w < s->waves + STORY_WAVES_MAX; w++)
		if (w->more.used && !memcmp(&w->more.key, key, sizeof(*key)))
			return w;
	return NULL;
}

/* Where there is no room for another, what follows is a story of its own. */
static void expect_more(struct stories *s, const struct story *told)
{
	struct wave *w;

	for (w = s->waves; w < s->waves + STORY_WAVES_MAX && w->more.used; w++)
		;
	if (w == s->waves + STORY_WAVES_MAX)
		return;
	*w = (struct wave){ .more = { .key = told->key, .used = true, .goes_on = true },
			    .wait_ns = STORY_MORE_NS, .due_ns = told->last_ns + STORY_MORE_NS };
}

static void add_more(struct wave *w, struct story *story)
{
	struct story *more = &w->more;

	if (!more->count) {
		more->who = story->who;
		more->how = story->how;
		story->who = story->how = (struct words){ 0 };
		more->first_ns = story->first_ns;
		w->latest_ns = story->last_ns + w->wait_ns;
	}
	widen(&more->range, &story->range, !more->count);
	more->count += story->count;
	if (story->last_ns > more->last_ns)
		more->last_ns = story->last_ns;
	w->due_ns = more->last_ns + STORY_MORE_NS;
	if (w->due_ns > w->latest_ns)
		w->due_ns = w->latest_ns;
}

static void tell_story(struct stories *s, int64_t at, struct story *story)
{
	struct wave *w = wave_of(s, &story->key);
	struct words all = { 0 };

	story->told = true;
	if (w) {
		add_more(w, story);
		return;
	}
	s->compose(s->context, story, &all);
	tell(s, at, &all);
	expect_more(s, story);
}

/* ---- lines that wait ---- */

/* One of several waiting lines of a story tells all of it; the others are dropped. */
static void tell_line(struct stories *s, struct story_line *l)
{
	struct story *story = l->story;

	if (!story || story->count <= STORY_FEW)
		tell(s, l->at, &l->words);
	else if (!story->told)
		tell_story(s, l->at, story);
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

static struct good_news *due_news(struct stories *s, uint64_t until_ns)
{
	struct good_news *first = NULL, *n;

	for (n = s->news; n < s->news + s->news_count; n++)
		if (n->pending && n->due_ns <= until_ns && (!first || n->due_ns < first->due_ns))
			first = n;
	return first;
}

/* ---- what goes on, and is due ---- */

static void tell_more(struct stories *s, struct wave *w, uint64_t at_ns)
{
	struct story *more = &w->more;
	struct words all = { 0 };

	if (!more->count) {
		more->used = false;
		return;
	}
	make_room(s);
	s->compose(s->context, more, &all);
	append(s, (int64_t)at_ns + s->wall_ns, &all, NULL);
	words__free(&more->who);
	words__free(&more->how);
	more->count = more->last_ns = 0;
	w->wait_ns *= 3;
	if (w->wait_ns > STORY_MORE_LONGEST_NS)
		w->wait_ns = STORY_MORE_LONGEST_NS;
	w->due_ns = at_ns + w->wait_ns;
}

static struct wave *due_wave(struct stories *s, uint64_t until_ns)
{
	struct wave *first = NULL, *w;

	for (w = s->waves; w < s->waves + STORY_WAVES_MAX; w++)
		if (w->more.used && w->due_ns <= until_ns && (!first || w->due_ns < first->due_ns))
			first = w;
	return first;
}

/* Those that are due first come first. */
static void tell_due(struct stories *s, uint64_t until_ns)
{
	struct good_news *n;
	struct wave *w;

	for (;;) {
		n = due_news(s, until_ns);
		w = due_wave(s, until_ns);
		if (!n && !w)
			return;
		if (n && (!w || n->due_ns < w->due_ns)) {
			end_until(s, n->due_ns);
			tell_news(s, n, n->due_ns);
		} else {
			uint64_t due_ns = w->due_ns;

			end_until(s, due_ns);
			tell_more(s, w, due_ns);
		}
	}
}

/* ---- all ---- */

void stories__pass_time(struct stories *s, uint64_t until_ns)
{
	if (until_ns > s->now_ns)
		s->now_ns = until_ns;
	tell_due(s, s->now_ns);
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
	struct wave *w;

	while (s->count)
		tell_oldest(s);
	while ((w = due_wave(s, UINT64_MAX))) {
		if (w->more.count)
			tell_more(s, w, s->now_ns);
		w->more.used = false;
	}
	for (n = s->news; n < s->news + s->news_count; n++) {
		if (n->pending)
			tell_news(s, n, s->now_ns);
		forget(&n->all);
	}
	s->news_count = 0;
	while (s->count)
		tell_oldest(s);
}
