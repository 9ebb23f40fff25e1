// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/bounded_lines.h"
#include "source/probe_file.h"
#include "value/array.h"
#include "value/json_mistake.h"
#include "value/plain_text.h"
#include "value/quantity.h"
#include "value/rfc3339.h"

#define EXPECTED "expected what 'halfopen probe --json' writes"

struct reading {
	const char *shown, *boot_id;
	struct probed *probed;
	unsigned int line;
	bool complete;	/* the summary was there */
	char *why;
	size_t size;
};

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static int refuse(const struct reading *r, const char *what)
{
	snprintf(r->why, r->size, "%s:%u: %s", r->shown, r->line, what);
	return -EBADMSG;
}

static int short_of_memory(const struct reading *r)
{
	snprintf(r->why, r->size, "%s: %s", r->shown, strerror(ENOMEM));
	return -ENOMEM;
}

/* What older versions do not write is 0. */
static bool read_mono(const json_t *line, const char *key, uint64_t *ns)
{
	*ns = 0;
	return !json_object_get(line, key) || quantity__number(text(line, key), 1, UINT64_MAX, ns);
}

static int take_result(struct reading *r, const json_t *line)
{
	const char *cookie = text(json_object_get(line, "socket"), "cookie");
	const char *result = text(line, "result");
	struct probed_socket s = { .result = PROBE_ANSWERED }, *all;

	while (s.result <= PROBE_UNKNOWN && strcmp(result, probe_answer__name(s.result)))
		s.result++;
	if (s.result > PROBE_UNKNOWN)
		return refuse(r, "result: expected answered, unanswered or unknown");
	if (!quantity__number(cookie, 1, UINT64_MAX, &s.cookie))
		return refuse(r, "socket.cookie: expected a string of digits");
	if (!read_mono(line, "mono_ns", &s.mono_ns))
		return refuse(r, "mono_ns: expected a string of digits");
	all = array__with_room(r->probed->sockets, r->probed->count, &r->probed->size, sizeof(*all));
	if (!all)
		return short_of_memory(r);
	r->probed->sockets = all;
	all[r->probed->count++] = s;
	return 0;
}

/* Of whom the sockets were drawn. */
static int take_population(struct reading *r, const json_t *line)
{
	const json_t *filter = json_object_get(line, "filter");

	if (!read_mono(line, "mono_ns", &r->probed->mono_ns) ||
	    !read_mono(line, "drawn_mono_ns", &r->probed->drawn_mono_ns))
		return refuse(r, "mono_ns, drawn_mono_ns: expected strings of digits");
	if (filter && !json_is_string(filter))
		return refuse(r, "filter: expected a FILTER");
	if (filter) {
		r->probed->filter = strdup(json_string_value(filter));
		r->probed->filter_line = r->line;
		if (!r->probed->filter)
			return short_of_memory(r);
	}
	return 0;
}

static int take_summary(struct reading *r, const json_t *line)
{
	struct rfc3339_time at;
	int err = take_population(r, line);

	if (err)
		return err;

	if (!rfc3339__parse(text(line, "at"), &at))
		return refuse(r, "at: expected an RFC 3339 time");
	r->probed->at = at.s * 1000000000 + at.ns;
	r->probed->interrupted = json_is_true(json_object_get(line, "interrupted"));
	r->complete = true;
	return 0;
}

static int take_line(struct reading *r, const json_t *line)
{
	const char *schema = text(line, "schema");
	bool is_summary = !strcmp(schema, "halfopen.probe_summary/1");

	if (r->complete)
		return refuse(r, "a line after halfopen.probe_summary/1: expected the output of "
				 "one probe");
	if (!is_summary && strcmp(schema, "halfopen.probe/1"))
		return refuse(r, "schema: " EXPECTED);
	if (strcmp(text(line, "boot_id"), r->boot_id))
		return refuse(r, "boot_id: it was written on another host, or before this one "
				 "booted: its sockets are others");
	return is_summary ? take_summary(r, line) : take_result(r, line);
}

static int read_line(struct reading *r, const char *line, size_t length)
{
	json_error_t error;
	json_t *object = json_loadb(line, length, 0, &error);
	char shown[200];
	int err;

	r->line++;
	if (object) {
		err = take_line(r, object);
		json_decref(object);
		return err;
	}
	snprintf(r->why, r->size, "%s:%u:%d: " EXPECTED ": %s", r->shown, r->line, error.column,
		 plain_text__of(json_mistake__words(&error), shown, sizeof(shown)));
	return -EBADMSG;
}

/* `err` of bounded_lines__next() */
static int refuse_reading(const struct reading *r, int err)
{
	if (err != -EMSGSIZE) {
		snprintf(r->why, r->size, "%s: %s", r->shown, strerror(-err));
		return err;
	}
	snprintf(r->why, r->size, "%s:%u: " EXPECTED ": its lines are shorter than 16 MiB", r->shown,
		 r->line + 1);
	return -EBADMSG;
}

static int read_lines(FILE *f, struct reading *r)
{
	struct bounded_lines l = { .file = f, .max = BOUNDED_LINES_JSON_MAX };
	int err = 0, more = 1;

	while (!err && (more = bounded_lines__next(&l)) > 0)
		err = read_line(r, l.text, l.length);
	bounded_lines__free(&l);
	if (more < 0)
		return refuse_reading(r, more);
	if (err || r->complete)
		return err;
	snprintf(r->why, r->size, "%s: it does not end with halfopen.probe_summary/1: %s", r->shown,
		 r->line ? "that probe did not come to its end" : EXPECTED);
	return -EBADMSG;
}

static int by_cookie(const void *a, const void *b)
{
	const struct probed_socket *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

int probe_file__read(int fd, const char *shown, const char *boot_id, struct probed *p, char *why,
		     size_t size)
{
	struct reading r = { .shown = shown, .boot_id = boot_id, .probed = p,
			     .why = why, .size = size };
	FILE *f = fdopen(fd, "re");
	int err;

	*p = (struct probed){ 0 };
	if (!f) {
		err = -errno;
		snprintf(why, size, "%s: %s", shown, strerror(-err));
		close(fd);
		return err;
	}
	err = read_lines(f, &r);
	fclose(f);
	if (err)
		probed__free(p);
	else if (p->count)
		qsort(p->sockets, p->count, sizeof(*p->sockets), by_cookie);
	return err;
}

const struct probed_socket *probed__find(const struct probed *p, uint64_t cookie)
{
	struct probed_socket key = { .cookie = cookie };

	return p->count ? bsearch(&key, p->sockets, p->count, sizeof(key), by_cookie) : NULL;
}

void probed__free(struct probed *p)
{
	free(p->sockets);
	free(p->filter);
	*p = (struct probed){ 0 };
}
