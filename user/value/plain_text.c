// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "value/plain_text.h"
#include "value/utf8.h"

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* Accents that stand on one character, and no more, in any language's ordinary writing. */
#define MARKS_MAX 4

/* ---- pieces: a character, or an escape in its place ---- */

/* State of reading: a combining mark needs a character before it. */
struct reading {
	const char *rest;
	bool as_name;	/* what looks like an escape is none */
	bool has_base;
	unsigned int marks;
};

struct piece {
	char text[12];
	size_t length;
	unsigned int columns;
};

static int columns_of(uint32_t character)
{
	int columns = character < 0x80 ? 1 : wcwidth(character);

	return columns < 0 ? 1 : columns;	/* not in the locale's tables */
}

static void escape(struct reading *r, struct piece *p, size_t length, uint32_t character)
{
	const char *format = character < 0x80 || !length ? "\\x%02" PRIx32
			     : character < 0x10000	 ? "\\u%04" PRIx32
							 : "\\U%08" PRIx32;

	p->length = p->columns = snprintf(p->text, sizeof(p->text), format,
					  length ? character : (unsigned char)*r->rest);
	r->rest += length ? length : 1;
	r->has_base = true;
	r->marks = 0;
}

static bool is_like_escape(const char *text)
{
	return text[0] == '\\' && text[1] && strchr("xuU", text[1]);
}

/* False at the end. */
static bool next_piece(struct reading *r, struct piece *p)
{
	uint32_t character = 0;
	size_t length;
	int columns;

	if (!*r->rest)
		return false;
	if (r->as_name && is_like_escape(r->rest)) {
		escape(r, p, 1, '\\');
		return true;
	}
	length = utf8__decode(r->rest, &character);
	columns = columns_of(character);
	if (!length || utf8__is_hidden(character) ||
	    (!columns && (!r->has_base || r->marks == MARKS_MAX))) {
		escape(r, p, length, character);
		return true;
	}
	memcpy(p->text, r->rest, length);
	p->length = length;
	p->columns = columns;
	r->rest += length;
	r->marks = columns ? 0 : r->marks + 1;
	r->has_base = true;
	return true;
}

/* Columns of the text, but no further than one beyond `most`. */
static unsigned int columns_up_to(const char *text, unsigned int most, bool as_name)
{
	struct reading r = { .rest = text, .as_name = as_name };
	unsigned int columns = 0;
	struct piece p;

	while (columns <= most && next_piece(&r, &p))
		columns += p.columns;
	return columns;
}

unsigned int plain_text__columns(const char *text)
{
	return columns_up_to(text, UINT32_MAX / 2, false);
}

/* ---- output ---- */

struct target {
	char *to;
	size_t size, written;
	size_t wanted;	/* size of the whole text */
};

static void put(struct target *t, const char *text, size_t length)
{
	bool fits = t->written == t->wanted && t->written + length < t->size;

	if (fits && length) {
		memcpy(t->to + t->written, text, length);
		t->written += length;
	}
	t->wanted += length;
}

static void put_spaces(struct target *t, unsigned int count)
{
	while (count--)
		put(t, " ", 1);
}

static unsigned int put_pieces(struct target *t, const char *from, unsigned int most, bool as_name)
{
	bool is_cut = columns_up_to(from, most, as_name) > most;
	unsigned int room = is_cut ? most - 3 : most, used = 0;
	struct reading r = { .rest = from, .as_name = as_name };
	struct piece p;

	while (next_piece(&r, &p) && used + p.columns <= room) {
		put(t, p.text, p.length);
		used += p.columns;
	}
	if (is_cut)
		put(t, "...", 3);
	return used + (is_cut ? 3 : 0);
}

/* Of the characters that are shown as they are, those of ASCII, to the first other one. */
static size_t plain_ascii(const char *text)
{
	size_t length = 0;

	while (text[length] >= ' ' && text[length] <= '~')
		length++;
	return length;
}

/* Most texts are that alone, and there may be a million. */
static bool put_whole(struct target *t, const char *from, unsigned int most, size_t length)
{
	if (from[length] || length > most || t->written + length >= t->size)
		return false;
	put(t, from, length);
	return true;
}

/* Returns the columns that it takes. */
static unsigned int put_plain(struct target *t, const char *from, unsigned int most)
{
	size_t ascii = plain_ascii(from);

	return put_whole(t, from, most, ascii) ? ascii : put_pieces(t, from, most, false);
}

static size_t end(struct target *t)
{
	if (t->size)
		t->to[t->written] = '\0';
	return t->wanted;
}

const char *plain_text__of(const char *from, char *to, size_t size)
{
	return plain_text__within(from, UINT32_MAX / 2, to, size);
}

const char *plain_text__within(const char *from, unsigned int columns, char *to, size_t size)
{
	struct target t = { .to = to, .size = size };

	put_plain(&t, from, columns);
	end(&t);
	return to;
}

const char *plain_text__name(const char *name, unsigned int columns, char *to, size_t size)
{
	struct target t = { .to = to, .size = size };

	if (strchr(name, '\\'))
		put_pieces(&t, name, columns, true);
	else
		put_plain(&t, name, columns);
	end(&t);
	return to;
}

const char *plain_text__of_host(const char *from, char *to, size_t size)
{
	struct target t = { .to = to, .size = size };
	char escaped[5];

	for (; *from; from++) {
		bool plain = strchr(LETTERS_AND_DIGITS "-._", *from);

		snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned char)*from);
		put(&t, plain ? from : escaped, plain ? 1 : 4);
	}
	end(&t);
	return to;
}

/* ---- words of a shell ---- */

static bool is_plain(const char *text)
{
	struct reading r = { .rest = text };
	const char *before = text;
	struct piece p;

	while (next_piece(&r, &p)) {
		if (p.length != (size_t)(r.rest - before) || memcmp(p.text, before, p.length))
			return false;
		before = r.rest;
	}
	return true;
}

static void put_quoted(struct target *t, const char *text)
{
	put(t, "'", 1);
	for (; *text; text++)
		put(t, *text == '\'' ? "'\\''" : text, *text == '\'' ? 4 : 1);
	put(t, "'", 1);
}

static void put_octals(struct target *t, const char *text)
{
	char octal[5];

	put(t, "\"$(printf '", 11);
	for (; *text; text++) {
		snprintf(octal, sizeof(octal), "\\%03o", (unsigned char)*text);
		if (strchr(LETTERS_AND_DIGITS "/._", *text))
			put(t, text, 1);
		else
			put(t, octal, 4);
	}
	put(t, "')\"", 3);
}

/* $(…) strips line ends from the end of its output. */
static bool can_be_quoted(const char *text)
{
	size_t length = strlen(text);

	return !length || text[length - 1] != '\n';
}

const char *plain_text__quoted(const char *from, char *to, size_t size)
{
	struct target t = { .to = to, .size = size };

	if (*from && !from[strspn(from, LETTERS_AND_DIGITS "-._/:,@%+=")])
		put(&t, from, strlen(from));
	else if (is_plain(from))
		put_quoted(&t, from);
	else
		put_octals(&t, from);
	if (t.written < t.wanted || !can_be_quoted(from)) {
		t = (struct target){ .to = to, .size = size };
		put(&t, "''", 2);
	}
	end(&t);
	return to;
}

/* ---- formats ---- */

/* One conversion: "%-*.*lld". */
struct conversion {
	char text[32];	/* as it is written, '*' and all */
	bool left, has_precision;
	int width, precision;
	int longs;	/* of l, z, j and t, which are as long here */
	char kind;
};

static int read_number(const char **format, va_list *args)
{
	int number = 0;

	if (**format == '*') {
		(*format)++;
		return va_arg(*args, int);
	}
	while (**format >= '0' && **format <= '9')
		number = number * 10 + *(*format)++ - '0';
	return number;
}

/* `format` is behind the '%'; returns what is behind the conversion. Conversions that take their
 * width or precision from the arguments are rewritten with their values. */
static const char *read_conversion(const char *format, va_list *args, struct conversion *c)
{
	size_t flags = strspn(format, "-+ #0");
	char length[4] = "", width[12] = "", precision[12] = "";
	const char *begin = format;

	*c = (struct conversion){ .left = memchr(format, '-', flags) };
	format += flags;
	c->width = read_number(&format, args);
	if (c->width < 0) {
		c->left = true;
		c->width = -c->width;
	}
	if (*format == '.') {
		format++;
		c->precision = read_number(&format, args);
		c->has_precision = c->precision >= 0;
	}
	for (; strchr("hlzjt", *format) && *format; format++) {
		c->longs += *format != 'h';
		snprintf(length + strlen(length), sizeof(length) - strlen(length), "%c", *format);
	}
	c->kind = *format;
	if (c->width)
		snprintf(width, sizeof(width), "%d", c->width);
	if (c->has_precision)
		snprintf(precision, sizeof(precision), ".%d", c->precision);
	snprintf(c->text, sizeof(c->text), "%%%s%.*s%s%s%s%c",
		 c->left && !memchr(begin, '-', flags) ? "-" : "", (int)(flags < 5 ? flags : 5),
		 begin, width, precision, length, c->kind);
	return *format ? format + 1 : format;
}

static void put_string(struct target *t, const struct conversion *c, const char *text)
{
	char *part = text && c->has_precision ? strndup(text, c->precision) : NULL;
	unsigned int columns;

	if (!text)
		text = "(null)";
	else if (c->has_precision)
		text = part ? part : "";
	columns = columns_up_to(text, PLAIN_TEXT_COLUMNS, false);
	if (columns > PLAIN_TEXT_COLUMNS)
		columns = PLAIN_TEXT_COLUMNS;
	if (!c->left && c->width > (int)columns)
		put_spaces(t, c->width - columns);
	columns = put_plain(t, text, PLAIN_TEXT_COLUMNS);
	if (c->left && c->width > (int)columns)
		put_spaces(t, c->width - columns);
	free(part);
}

/* Skips a number's argument in the caller's list. */
static void skip_number(const struct conversion *c, va_list *args)
{
	bool is_real = strchr("eEfFgGaA", c->kind), is_wide = c->longs || c->kind == 'p';

	(void)(is_real ? va_arg(*args, double) : is_wide ? va_arg(*args, long long)
							   : va_arg(*args, int));
}

/* A number is formatted by printf(3). */
static void put_number(struct target *t, const struct conversion *c, va_list *args)
{
	char text[512];
	va_list one;
	int length;

	va_copy(one, *args);
	length = vsnprintf(text, sizeof(text), c->text, one);
	va_end(one);
	skip_number(c, args);
	put(t, text, length < (int)sizeof(text) ? length : (int)sizeof(text) - 1);
}

static void put_conversion(struct target *t, const struct conversion *c, va_list *args)
{
	char one[2] = "";

	switch (c->kind) {
	case '%':
		put(t, "%", 1);
		break;
	case 's':
		put_string(t, c, va_arg(*args, const char *));
		break;
	case 'c':
		one[0] = va_arg(*args, int);
		put_string(t, c, one);
		break;
	default:
		if (!c->kind || !strchr("diuoxXeEfFgGaAp", c->kind))
			abort();	/* a format of ours that was never tried */
		put_number(t, c, args);
	}
}

size_t plain_text__vformat(char *to, size_t size, const char *format, va_list list)
{
	struct target t = { .to = to, .size = size };
	struct conversion c;
	va_list args;

	va_copy(args, list);	/* its address may be taken, whatever type va_list is */
	while (*format) {
		size_t own = strcspn(format, "%");

		put(&t, format, own);
		format += own;
		if (!*format)
			break;
		format = read_conversion(format + 1, &args, &c);
		put_conversion(&t, &c, &args);
	}
	va_end(args);
	return end(&t);
}

size_t plain_text__format(char *to, size_t size, const char *format, ...)
{
	va_list args;
	size_t wanted;

	va_start(args, format);
	wanted = plain_text__vformat(to, size, format, args);
	va_end(args);
	return wanted;
}
