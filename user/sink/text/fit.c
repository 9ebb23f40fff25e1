// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "text/fit.h"
#include "value/plain_text.h"

void fit__add(struct words *w, const char *text, int columns, bool filled)
{
	size_t size = PLAIN_TEXT_SIZE(strlen(text) + 4);
	char *cut;
	int have;

	if (columns < 4)
		columns = 4;
	cut = malloc(size);
	if (!cut) {
		w->failed = true;
		return;
	}
	plain_text__within(text, columns, cut, size);
	have = plain_text__columns(cut);
	words__append(w, cut, strlen(cut));
	for (; filled && have < columns; have++)
		words__append(w, " ", 1);
	free(cut);
}

/* Columns of the word that begins at `text`; `*length` are its bytes. */
static int measure(const char *text, size_t *length)
{
	char word[256];

	*length = strcspn(text, " ");
	if (*length >= sizeof(word))
		return *length;
	memcpy(word, text, *length);
	word[*length] = '\0';
	return plain_text__columns(word);
}

void fit__add_broken(struct words *w, const char *text, int at, int width, int indent)
{
	while (*text) {
		size_t length, blanks = strspn(text, " ");
		int columns = measure(text + blanks, &length);

		if (width && at > indent && at + (int)blanks + columns > width) {
			words__add(w, "\n%*s", indent, "");
			at = indent;
		} else {
			words__append(w, text, blanks);
			at += (int)blanks;
		}
		words__append(w, text + blanks, length);
		at += columns;
		text += blanks + length;
	}
}
