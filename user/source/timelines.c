// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/input.h"
#include "source/timelines.h"
#include "timeline/timeline_json.h"

/* The longest line that we write is far shorter. */
#define LINE_MAX_BYTES (16 << 20)

struct reader {
	const struct sink *sink;
	struct timelines_problem *problem;
	unsigned long line;
};

static int read_line(struct reader *r, const char *line, size_t length)
{
	struct timeline_json_problem problem;
	int err = timeline_json__read(line, length, r->sink, &problem);

	if (err == -EBADMSG && problem.column)
		snprintf(r->problem->text, sizeof(r->problem->text), "line %lu, column %d: %s",
			 r->line, problem.column, problem.text);
	else if (err == -EBADMSG)
		snprintf(r->problem->text, sizeof(r->problem->text), "line %lu: %s", r->line,
			 problem.text);
	return err;
}

int timelines__read(int fd, const struct sink *sink, struct timelines_problem *problem)
{
	struct reader r = { .sink = sink, .problem = problem };
	size_t size = 1 << 16, used = 0, start;
	char *buffer = malloc(size), *end;
	struct input input;
	ssize_t n = 0;
	int err = input__open(&input, fd);

	*problem = (struct timelines_problem){ 0 };
	if (!buffer)
		err = -ENOMEM;
	while (!err) {
		n = input__read(&input, buffer + used, size - used);
		if (n <= 0)
			break;
		used += n;
		for (start = 0; !err && (end = memchr(buffer + start, '\n', used - start));
		     start = end + 1 - buffer) {
			r.line++;
			err = read_line(&r, buffer + start, end - buffer - start);
		}
		memmove(buffer, buffer + start, used - start);
		used -= start;
		if (used == size && size < LINE_MAX_BYTES) {
			char *bigger = realloc(buffer, size *= 2);

			if (bigger)
				buffer = bigger;
			else
				err = -ENOMEM;
		} else if (used == size) {
			r.line++;
			snprintf(problem->text, sizeof(problem->text),
				 "line %lu: the line: expected no more than 16 MiB", r.line);
			err = -EBADMSG;
		}
	}
	if (!err && n < 0)
		err = n;
	if (!err && !r.line && used) {	/* one line without an end, or another kind of file */
		r.line++;
		err = read_line(&r, buffer, used);
	} else if (!err && (used || input.damaged || input.within_piece)) {
		problem->is_cut = true;
		snprintf(problem->text, sizeof(problem->text),
			 "%s in line %lu: what comes before is taken",
			 input.damaged ? "damaged" : "it is cut off", r.line + 1);
	}
	input__close(&input);
	free(buffer);
	return err;
}
