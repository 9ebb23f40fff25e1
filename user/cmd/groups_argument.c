// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/groups_argument.h"
#include "file/exit_code.h"
#include "file/input_file.h"
#include "file/bounded_lines.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "value/array.h"

/* An address, blanks and a name. */
#define LINE_MAX_BYTES 512

struct reading {
	const struct argp_state *state;
	const char *path;
	struct named_network *all;
	size_t count, size;
};

static bool add(struct reading *r, const struct named_network *n, unsigned int line)
{
	struct named_network *bigger = array__with_room(r->all, r->count, &r->size, sizeof(*bigger));

	if (!bigger)
		return false;
	r->all = bigger;
	bigger[r->count] = (struct named_network){ n->network, strdup(n->name), line };
	return bigger[r->count++].name;
}

static void take_line(struct reading *r, const struct bounded_lines *l)
{
	struct named_network n = { .name = NULL };
	const char *expected = "text: there is a zero byte";

	if (!memchr(l->text, '\0', l->length))
		expected = named_network__read(l->text, &n);
	if (expected)
		arguments__refuse(r->state, "%s:%u: expected %s", r->path, l->number, expected);
	else if (n.name && !add(r, &n, l->number))
		argp_failure(r->state, EXIT_FAILED, ENOMEM, "--groups");
}

static void refuse_rest(const struct reading *r, const struct bounded_lines *l, int err)
{
	if (err == -EMSGSIZE)
		arguments__refuse(r->state, "%s:%u: expected a line of CIDR NAME, of %u bytes at most",
				  r->path, l->number, LINE_MAX_BYTES);
	log_error("%s: %s", r->path, reason__of(err));
	exit(exit_code__of_input(err));
}

static int by_network(const void *a, const void *b)
{
	const struct named_network *x = a, *y = b;
	int order = memcmp(x->network.address, y->network.address, sizeof(x->network.address));

	if (!order)
		order = (int)x->network.bits - y->network.bits;
	return order ? order : x->line < y->line ? -1 : 1;
}

static bool is_same_network(const struct named_network *a, const struct named_network *b)
{
	return !memcmp(a->network.address, b->network.address, sizeof(a->network.address)) &&
	       a->network.bits == b->network.bits;
}

/* A network has one name: which of two was meant, nobody but who wrote them knows. */
static void refuse_two_names(const struct reading *r)
{
	const struct named_network *n = r->all;
	size_t i;

	for (i = 1; i < r->count; i++)
		if (is_same_network(&n[i - 1], &n[i]) && strcmp(n[i - 1].name, n[i].name))
			arguments__refuse(r->state, "%s:%u: expected one name for a network: this "
					  "one is '%s' here, and '%s' in line %u", r->path,
					  n[i].line, n[i].name, n[i - 1].name, n[i - 1].line);
}

static void read_lines(struct reading *r, FILE *f)
{
	struct bounded_lines l = { .file = f, .max = LINE_MAX_BYTES };
	int err;

	while ((err = bounded_lines__next(&l)) > 0)
		take_line(r, &l);
	if (err)
		refuse_rest(r, &l, err);
	bounded_lines__free(&l);
	if (r->count)
		qsort(r->all, r->count, sizeof(*r->all), by_network);
	else
		arguments__refuse(r->state, "%s: no network is named in it: expected lines of CIDR NAME",
				  r->path);
	refuse_two_names(r);
}

void groups_argument__read(const struct argp_state *state, const char *path,
			   struct named_network **all, unsigned int *count)
{
	static const char what[] = "lines of CIDR NAME (--groups)";
	struct reading r = { .state = state, .path = path };
	int fd = input_file__open(path, what);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "re");

	if (!f) {
		exit(fd < 0 ? exit_code__of_input(fd) : EXIT_FAILED);
		return;
	}
	if (input_file__is_endless(fd, path, what))
		exit(EXIT_USAGE);
	read_lines(&r, f);
	fclose(f);
	*all = r.all;
	*count = r.count;
}
