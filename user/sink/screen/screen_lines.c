// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <wchar.h>

#include "screen/screen_lines.h"
#include "value/text_style.h"
#include "value/utf8.h"

/* What follows a break stands further to the right, by so much. */
#define INDENT 4

static bool is_style(char c)
{
	return c >= STYLE_FIRST && c <= STYLE_LAST;
}

/* Columns of what stands there, a character or a style; `*length` are its bytes. */
static unsigned int measure(const char *at, size_t *length)
{
	uint32_t character = 0;
	int columns;

	*length = is_style(*at) ? 1 : utf8__decode(at, &character);
	if (is_style(*at))
		return 0;
	columns = *length ? wcwidth(character) : 1;
	if (!*length)
		*length = 1;
	return columns < 0 ? 1 : columns;
}

/* Of the text up to one of `ends`. */
static unsigned int columns_to(const char *text, const char *ends, size_t *bytes)
{
	size_t whole = strcspn(text, ends), length, at;
	unsigned int columns = 0;

	for (at = 0; at < whole; at += length)
		columns += measure(text + at, &length);
	*bytes = whole;
	return columns;
}

unsigned int screen_lines__columns(const char *line)
{
	size_t bytes;

	return columns_to(line, "\n", &bytes);
}

/* ---- breaking ---- */

/* The style that is in force behind these bytes. */
static char style_behind(const char *text, size_t bytes, char style)
{
	for (; bytes; bytes--, text++)
		if (is_style(*text))
			style = *text;
	return style;
}

static void break_line(struct words *w, unsigned int indent, char style)
{
	words__append(w, "\n", 1);
	while (indent--)
		words__append(w, " ", 1);
	if (style)
		words__append(w, &style, 1);
}

/* One line without its end. */
static void wrap_line(struct words *w, const char *line, size_t size, unsigned int columns)
{
	unsigned int indent = strspn(line, " ") + INDENT, at = 0, wide;
	const char *end = line + size;
	size_t blanks, bytes;
	char style = 0;

	if (indent > columns / 2)
		indent = 0;
	while (line < end) {
		blanks = strspn(line, " ");
		wide = columns_to(line + blanks, " \n", &bytes);
		if (at > indent && at + blanks + wide > columns) {
			break_line(w, indent, style);
			at = indent;
		} else {
			words__append(w, line, blanks);
			at += blanks;
		}
		words__append(w, line + blanks, bytes);
		style = style_behind(line + blanks, bytes, style);
		at += wide;
		line += blanks + bytes;
	}
}

void screen_lines__wrap(struct words *w, const char *text, unsigned int columns)
{
	while (*text) {
		size_t size = strcspn(text, "\n");

		if (screen_lines__columns(text) > columns)
			wrap_line(w, text, size, columns);
		else
			words__append(w, text, size);
		text += size;
		if (*text)
			words__append(w, text++, 1);
	}
}

/* ---- cutting ---- */

/* Bytes of a line that take no more than so many columns. */
static size_t bytes_within(const char *line, size_t size, unsigned int columns)
{
	unsigned int taken = 0, wide;
	size_t at = 0, length;

	for (; at < size; at += length) {
		wide = measure(line + at, &length);
		if (taken + wide > columns)
			break;
		taken += wide;
	}
	return at;
}

void screen_lines__cut(struct words *w, const char *text, unsigned int columns)
{
	unsigned int dots = columns > 3 ? 3 : 0;

	while (*text) {
		size_t size = strcspn(text, "\n");

		if (screen_lines__columns(text) <= columns) {
			words__append(w, text, size);
		} else {
			words__append(w, text, bytes_within(text, size, columns - dots));
			words__append(w, "...", dots);
		}
		text += size;
		if (*text)
			words__append(w, text++, 1);
	}
}
