// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "pipeline/look_first.h"
#include "pipeline/look_list.h"
#include "pipeline/look_value.h"
#include "sys/terminal.h"
#include "text/sockets_text.h"
#include "timeline/timeline_json.h"
#include "value/array.h"

/* So many sockets are sorted as they come, and the others forgotten. */
#define FIRST_MAX 1000
/* JSON is written in pieces of this size. */
#define WRITE_AT_ONCE 65536

/* ---- sockets that were kept ---- */

/* The one at this place of the list, from 0. */
typedef const struct look_socket *(*at_fn)(const void *context, size_t place);

/* Rows in an order of their own lie anywhere: memory is asked for each some rows before. (Inline:
 * compilers drop the call of a function that does nothing else.) */
#define ROWS_AHEAD 8
#define CACHE_LINE 64

static inline __attribute__((always_inline)) void fetch(const struct look_socket *s)
{
	const char *from = (const char *)s;
	size_t i;

	for (i = 0; i < sizeof(*s); i += CACHE_LINE)
		__builtin_prefetch(from + i);
}

static int write_json(const struct look *l, const struct look_list *list, at_fn at,
		      const void *context, size_t count, struct output *output)
{
	struct json j = { 0 };
	size_t i;
	int err = 0;

	for (i = 0; !err && i < count; i++) {
		struct socket_now s = look__value(l, at(context, i));

		if (i + ROWS_AHEAD < count)
			fetch(at(context, i + ROWS_AHEAD));
		s.origin = list->origin;
		timeline_json__write_socket_now(&j, i, &s);
		if (j.length < WRITE_AT_ONCE && i + 1 < count)
			continue;
		err = j.failed ? -ENOMEM : output__write(output, j.text, j.length);
		j.length = 0;
	}
	json__free(&j);
	return err;
}

static struct sockets_text text_for(const struct output *output)
{
	return (struct sockets_text){ .width = terminal__columns(output->fd),
				      .colours = terminal__shows_colours(output->fd) };
}

static int write_text(const struct look *l, at_fn at, const void *context, size_t count,
		      struct output *output)
{
	struct sockets_text text = text_for(output);
	size_t i;
	int err;

	for (i = 0; i < count; i++) {
		struct socket_now s = look__value(l, at(context, i));

		sockets_text__add(&text, &s);
	}
	err = sockets_text__write(&text, NULL, output);
	sockets_text__free(&text);
	return err;
}

static int write_list(const struct look *l, const struct look_list *list, at_fn at,
		      const void *context, size_t count, struct output *output)
{
	if (list->limit && list->limit < count)
		count = list->limit;
	return list->json ? write_json(l, list, at, context, count, output)
			  : write_text(l, at, context, count, output);
}

struct sorted {
	const struct look *look;
	uint32_t *order;
};

static const struct look_socket *at_sorted(const void *context, size_t place)
{
	const struct sorted *s = context;

	return &s->look->sockets[s->order[place]];
}

int look_list__of_kept(const struct look *l, const struct look_list *list, struct output *output)
{
	struct place *places = malloc((l->count + 1) * sizeof(*places));
	struct sorted sorted = { .look = l };
	size_t i;
	int err = -ENOMEM;

	for (i = 0; places && i < l->count; i++)
		places[i] = look_place__of(l, &l->sockets[i], list->key);
	if (places)
		sorted.order = places__order(places, l->count, look_key__owners(l, list->key));
	free(places);
	if (sorted.order)
		err = write_list(l, list, at_sorted, &sorted, l->count, output);
	free(sorted.order);
	return err;
}

/* ---- the first of them ---- */

static bool take_first(void *context, struct look *l, const struct look_socket *s)
{
	return look_first__add(context, l, s);
}

static const struct look_socket *at_first(const void *context, size_t place)
{
	return look_first__at(context, place);
}

static int list_first(struct look *l, struct look_config *config, const struct look_list *list,
		      struct output *output)
{
	struct look_first first = { .key = list->key, .places.most = list->limit };
	int err;

	config->take = take_first;
	config->context = &first;
	err = look__take(l, config);
	if (!err) {
		look_first__sort(&first);
		err = write_list(l, list, at_first, &first, first.places.count, output);
	}
	look_first__free(&first);
	return err;
}

/* ---- all of them as text: of each its line and its place ---- */

struct lines {
	enum look_key key;
	struct sockets_text text;
	struct place *places;
	size_t count, size;
};

static bool take_line(void *context, struct look *l, const struct look_socket *s)
{
	struct lines *lines = context;
	struct socket_now now = look__value(l, s);
	struct place *places = array__with_room(lines->places, lines->count, &lines->size,
						sizeof(*places));

	if (!places)
		return false;
	lines->places = places;
	places[lines->count++] = look_place__of(l, s, lines->key);
	sockets_text__add(&lines->text, &now);
	return !lines->text.failed;
}

/* They are known now that the look is over. */
static void set_pairs(struct lines *lines, const struct look *l)
{
	struct timeline_pair pair;
	size_t i;

	for (i = 0; l->pairs.found_count && i < lines->count; i++) {
		pair = look__pair(l, lines->places[i].cookie);
		if (pair.cookie)
			sockets_text__set_pair(&lines->text, i, &pair);
	}
}

static int write_lines(struct lines *lines, const struct look *l, struct output *output)
{
	uint32_t *order = places__order(lines->places, lines->count,
					look_key__owners(l, lines->key));
	int err;

	if (!order)
		return -ENOMEM;
	free(lines->places);
	lines->places = NULL;
	err = sockets_text__write(&lines->text, order, output);
	free(order);
	return err;
}

static int list_lines(struct look *l, struct look_config *config, const struct look_list *list,
		      struct output *output)
{
	struct lines lines = { .key = list->key, .text = text_for(output) };
	int err;

	config->take = take_line;
	config->context = &lines;
	err = look__take(l, config);
	if (!err) {
		set_pairs(&lines, l);
		err = write_lines(&lines, l, output);
	}
	sockets_text__free(&lines.text);
	free(lines.places);
	return err;
}

/* ---- which of these ---- */

int look_list__of_look(struct look *l, const struct look_config *config, const struct look_list *list,
		       struct output *output)
{
	struct look_config own = *config;
	int err;

	own.timers = true;
	if (list->limit && list->limit <= FIRST_MAX)
		return list_first(l, &own, list, output);
	if (!list->json && !list->limit)
		return list_lines(l, &own, list, output);
	err = look__take(l, &own);
	return err ? err : look_list__of_kept(l, list, output);
}
