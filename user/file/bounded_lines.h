/* SPDX-License-Identifier: GPL-2.0 */
/* Reads lines of text that others wrote, of a bounded length: a file without newlines does not fill
 * the memory. */
#ifndef HALFOPEN_FILE_BOUNDED_LINES_H
#define HALFOPEN_FILE_BOUNDED_LINES_H

#include <stddef.h>
#include <stdio.h>

/* The longest line of JSON that is taken: what we write is far shorter. */
#define BOUNDED_LINES_JSON_MAX (16 << 20)

struct bounded_lines {
	FILE *file;		/* stays the caller's */
	size_t max;		/* bytes of a line, the newline not counted */
	char *text;		/* the present line, without its newline; a NUL stands behind it */
	size_t length, size;
	unsigned int number;	/* of the present line: from 1 on */
};

/* Goes to the next line. Returns 1, 0 at the end, -EMSGSIZE for one that is longer than `max`,
 * -ENOMEM, or -errno of a read that failed. */
int bounded_lines__next(struct bounded_lines *l);

void bounded_lines__free(struct bounded_lines *l);

#endif
