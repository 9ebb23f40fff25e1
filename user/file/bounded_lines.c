// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "file/bounded_lines.h"
#include "value/array.h"

/* For one byte and the NUL behind it. */
static bool make_room(struct bounded_lines *l)
{
	char *bigger = array__with_room(l->text, l->length + 1, &l->size, 1);

	if (!bigger)
		return false;
	l->text = bigger;
	return true;
}

int bounded_lines__next(struct bounded_lines *l)
{
	int c;

	l->length = 0;
	l->number++;
	errno = 0;
	while ((c = getc_unlocked(l->file)) != EOF && c != '\n') {
		if (l->length == l->max)
			return -EMSGSIZE;
		if (!make_room(l))
			return -ENOMEM;
		l->text[l->length++] = c;
	}
	if (c == EOF && ferror(l->file))
		return errno ? -errno : -EIO;
	if (c == EOF && !l->length)
		return 0;
	if (!make_room(l))
		return -ENOMEM;
	l->text[l->length] = '\0';
	return 1;
}

void bounded_lines__free(struct bounded_lines *l)
{
	free(l->text);
	l->text = NULL;
	l->size = l->length = 0;
}
