// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice_file.h"

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

int advice_file__read(const char *path, const char *gateway, const struct netns *ns,
		      struct advised *advised, char *why, size_t size)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	int err = f ? -ENOENT : -errno;
	size_t room = 0, used;
	char address[NETNS_ADDRESS_SIZE], *line = NULL;
	unsigned int number = 0;
	ssize_t n;

	snprintf(why, size, "%s: %s", path,
		 f ? "it advises no change of this namespace" : strerror(errno));
	while (err == -ENOENT && f && (n = getline(&line, &room, f)) > 0) {
		json_error_t error;
		json_t *object = json_loadb(line, n, 0, &error);

		used = snprintf(why, size, "%s:%u: ", path, ++number);
		if (object) {
			err = take_line(object, gateway, ns, advised, why + used, size - used);
		} else {
			snprintf(why, size, "%s:%u:%d: expected a line of 'advise --json': %s",
				 path, number, error.column, error.text);
			err = -EBADMSG;
		}
		json_decref(object);
		if (err == -ENOENT)
			snprintf(why, size, "%s: it advises no change of namespace %s of %s", path,
				 netns__address(ns, address), gateway);
	}
	free(line);
	if (f && f != stdin)
		fclose(f);
	return err;
}
