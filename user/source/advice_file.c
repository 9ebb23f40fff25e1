// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/foreign.h"
#include "file/bounded_lines.h"
#include "source/advice_file.h"
#include "sys/host.h"
#include "value/json_mistake.h"
#include "value/netns_address.h"
#include "value/plain_text.h"

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static bool read_values(const json_t *proposed, uint32_t values[3], const char **wrong)
{
	static const char *const keys[] = { "idle_s", "interval_s", "probes" };
	static const uint32_t most[] = { 32767, 32767, 127 };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		const json_t *value = json_object_get(proposed, keys[i]);
		double number = json_number_value(value);

		*wrong = keys[i];
		if (!json_is_number(value) || number < 1 || number > most[i] ||
		    number != (uint32_t)number)
			return false;
		values[i] = number;
	}
	return true;
}

/* Cookies start again with each boot; an inode alone, in timelines without cookies, is reused at
 * once. Only the host's is stable. */
static bool is_same(const json_t *scope, const struct netns *ns)
{
	char address[NETNS_ADDRESS_OF_COOKIE_SIZE], number[16];
	const char *netns = text(scope, "netns"), *boot = text(scope, "boot_id");
	struct host host;

	host__read(&host);
	if (*boot && strcmp(boot, host.boot_id) && !netns__is_of_host())
		return false;
	snprintf(number, sizeof(number), "%u", ns->inode);
	if (!strcmp(netns, number))
		return !ns->cookie || netns__is_of_host();
	netns_address__of_cookie(ns->inode, ns->cookie, address);
	if (!strcmp(netns, address))
		return true;
	snprintf(number, sizeof(number), "%" PRIu64, ns->cookie);
	return ns->cookie && !strcmp(text(scope, "cookie"), number) &&
	       json_integer_value(json_object_get(scope, "inode")) == ns->inode;
}

/* By its name, which a namespace has now; or it is the same namespace, whatever its name was. */
static bool is_of(const json_t *scope, const struct netns *ns)
{
	return (*ns->name && !strcmp(text(scope, "netns"), ns->name)) || is_same(scope, ns);
}

/* Result so far. */
struct search {
	const char *gateway;
	const struct netns *ns;
	struct advised *advised;
	unsigned int found_in;	/* line; 0: none yet */
	unsigned int others;	/* changes of other namespaces */
	char places[320];	/* some of those */
	char *why;
	size_t size;
};

__attribute__((format(printf, 3, 4)))
static int refuse(const struct search *s, unsigned int number, const char *format, ...)
{
	size_t length = strlen(s->why);
	va_list args;

	snprintf(s->why + length, s->size - length, ":%u: ", number);
	length = strlen(s->why);
	va_start(args, format);
	vsnprintf(s->why + length, s->size - length, format, args);
	va_end(args);
	return -EBADMSG;
}

static void add_other(struct search *s, const char *gateway, const char *netns)
{
	char shown[2][120];
	size_t length = strlen(s->places);

	if (s->others++ < 3)
		snprintf(s->places + length, sizeof(s->places) - length, "%snamespace %s of %s",
			 length ? ", " : "", plain_text__of(netns, shown[0], sizeof(shown[0])),
			 plain_text__of(gateway, shown[1], sizeof(shown[1])));
	else if (s->others == 4)
		snprintf(s->places + length, sizeof(s->places) - length, ", and more");
}

static int take_change(struct search *s, unsigned int number, const json_t *line)
{
	struct advised a;
	const char *wrong;

	if (!read_values(json_object_get(line, "proposed"), a.values, &wrong))
		return refuse(s, number, "proposed.%s: expected a whole number that the kernel "
					 "takes",
			      wrong);
	snprintf(a.id, sizeof(a.id), "%s", text(line, "id"));
	if (s->found_in && memcmp(a.values, s->advised->values, sizeof(a.values)))
		return refuse(s, number, "it advises %u/%u/%u for this namespace, and line %u "
			      "%u/%u/%u: expected one change for a namespace", a.values[0],
			      a.values[1], a.values[2], s->found_in, s->advised->values[0],
			      s->advised->values[1], s->advised->values[2]);
	*s->advised = a;
	s->found_in = number;
	return 0;
}

static int take_line(struct search *s, unsigned int number, const json_t *line)
{
	const json_t *scope = json_object_get(line, "scope");
	const char *gateway = text(scope, "gateway"), *netns = text(scope, "netns");

	if (strcmp(text(line, "schema"), "halfopen.advice/1"))
		return refuse(s, number, "schema: expected halfopen.advice/1, what 'advise --json' "
			      "writes");
	if (strcmp(text(line, "verdict"), "change") || strcmp(text(scope, "kind"), "namespace"))
		return 0;
	if (!*gateway || !*netns)
		return refuse(s, number, "scope.%s: expected what it is advice for: without, it is "
			      "for no place", *gateway ? "netns" : "gateway");
	if (!strcmp(gateway, s->gateway) && is_of(scope, s->ns))
		return take_change(s, number, line);
	add_other(s, gateway, netns);
	return 0;
}

/* Reports what kind of file it is, as far as that can be determined, as no line is one of ours. */
static int say_what_it_is(const struct search *s, unsigned int number, const json_error_t *error,
			  const char *line, size_t length)
{
	const char *words = foreign__words(line, length);
	char shown[200], *at = s->why + strlen(s->why);
	size_t room = s->size - strlen(s->why);

	if (!number)
		snprintf(at, room, ": %s: expected a line of 'advise --json'", words);
	else
		snprintf(at, room, ":%u:%d: expected a line of 'advise --json': %s", number,
			 error->column,
			 words ? words : plain_text__of(json_mistake__words(error), shown, sizeof(shown)));
	return -EBADMSG;
}

static int read_line(struct search *s, unsigned int number, const char *line, size_t length)
{
	json_error_t error = { .column = 0 };
	json_t *object = json_loadb(line, length, 0, &error);
	int err = object ? take_line(s, number, object)
			 : say_what_it_is(s, number, &error, line, length);

	json_decref(object);
	return err;
}

/* `err` of bounded_lines__next() */
static int refuse_reading(const struct search *s, unsigned int number, int err)
{
	if (err == -EMSGSIZE)
		return refuse(s, number, "expected a line of 'advise --json': these are shorter than "
			      "16 MiB");
	snprintf(s->why + strlen(s->why), s->size - strlen(s->why), ": %s", strerror(-err));
	return err;
}

/* Reads each line; 0, or the -errno of the first invalid one. */
static int read_lines(FILE *f, struct search *s)
{
	struct bounded_lines l = { .file = f, .max = BOUNDED_LINES_JSON_MAX };
	int err = 0, more = 1;

	while (!err && (more = bounded_lines__next(&l)) > 0)
		err = read_line(s, l.number, l.text, l.length);
	if (more < 0)
		err = refuse_reading(s, l.number, more);
	else if (!err && l.number == 1)
		err = say_what_it_is(s, 0, NULL, "", 0);
	bounded_lines__free(&l);
	return err;
}

int advice_file__read(int fd, const char *shown, const char *gateway, const struct netns *ns,
		      struct advised *advised, char *why, size_t size)
{
	struct search s = { .gateway = gateway, .ns = ns, .advised = advised, .why = why,
			    .size = size };
	char address[NETNS_ADDRESS_SIZE];
	FILE *f = fdopen(fd, "re");
	int err = f ? 0 : -errno;

	if (!f) {
		snprintf(why, size, "%s: %s", shown, strerror(-err));
		close(fd);
		return err;
	}
	snprintf(why, size, "%s", shown);
	err = read_lines(f, &s);
	fclose(f);
	if (err || s.found_in)
		return err;
	snprintf(why, size, "%s: it advises no change of namespace %s of %s%s%s", shown,
		 netns__address(ns, address), gateway, s.others ? ", but of " : "", s.places);
	return -ENOENT;
}
