// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "advice_file.h"
#include "foreign.h"

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

/* By name, or by inode and cookie; timelines without cookies are by inode alone. */
static bool is_of(const char *netns, const struct netns *ns)
{
	char number[16], both[48];

	snprintf(number, sizeof(number), "%u", ns->inode);
	snprintf(both, sizeof(both), "inode:%u,cookie:%" PRIu64, ns->inode, ns->cookie);
	return (*ns->name && !strcmp(netns, ns->name)) || !strcmp(netns, number) ||
	       !strcmp(netns, both);
}

/* Is this line the advice that is looked for? -EBADMSG if it is none at all. */
static int take_line(const json_t *line, const char *gateway, const struct netns *ns,
		     struct advised *a, char *why, size_t size)
{
	const json_t *scope = json_object_get(line, "scope");
	const char *wrong;

	if (strcmp(text(line, "schema"), "halfopen.advice/1")) {
		snprintf(why, size,
			 "schema: expected halfopen.advice/1, what 'advise --json' writes");
		return -EBADMSG;
	}
	if (strcmp(text(line, "verdict"), "change") || strcmp(text(scope, "kind"), "namespace") ||
	    strcmp(text(scope, "gateway"), gateway) || !is_of(text(scope, "netns"), ns))
		return -ENOENT;
	if (!read_values(json_object_get(line, "proposed"), a->values, &wrong)) {
		snprintf(why, size, "proposed.%s: expected a whole number that the kernel takes",
			 wrong);
		return -EBADMSG;
	}
	snprintf(a->id, sizeof(a->id), "%s", text(line, "id"));
	return 0;
}

/* Is nothing of it a line of ours? Then what it is, as far as that can be told. */
static void say_what_it_is(const char *name, unsigned int number, const json_error_t *error,
			   const char *line, size_t length, char *why, size_t size)
{
	const char *words = foreign__words(line, length);

	if (!number)
		snprintf(why, size, "%s: %s: expected a line of 'advise --json'", name, words);
	else
		snprintf(why, size, "%s:%u:%d: expected a line of 'advise --json': %s", name,
			 number, error->column, words ? words : error->text);
}

int advice_file__read(int fd, const char *shown, const char *gateway, const struct netns *ns,
		      struct advised *advised, char *why, size_t size)
{
	FILE *f = fdopen(fd, "re");
	int err = f ? -ENOENT : -errno;
	char address[NETNS_ADDRESS_SIZE], *line = NULL;
	json_error_t error = { .column = 0 };
	unsigned int number = 0;
	size_t room = 0, used;
	ssize_t n;

	snprintf(why, size, "%s: %s", shown, f ? "" : strerror(errno));
	while (err == -ENOENT && f && (n = getline(&line, &room, f)) > 0) {
		json_t *object = json_loadb(line, n, 0, &error);

		used = snprintf(why, size, "%s:%u: ", shown, ++number);
		if (object) {
			err = take_line(object, gateway, ns, advised, why + used, size - used);
		} else {
			say_what_it_is(shown, number, &error, line, n, why, size);
			err = -EBADMSG;
		}
		json_decref(object);
		if (err == -ENOENT)
			snprintf(why, size, "%s: it advises no change of namespace %s of %s", shown,
				 netns__address(ns, address), gateway);
	}
	if (f && !number && err == -ENOENT)
		say_what_it_is(shown, 0, &error, "", 0, why, size);
	free(line);
	if (f)
		fclose(f);
	else
		close(fd);
	return err;
}
