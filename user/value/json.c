// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "value/json.h"
#include "value/utf8.h"

/* Limit of numbers that are rounded to thousandths: a double holds them exactly. */
#define NUMBER_MAX 9e12

static bool reserve(struct json *j, size_t more)
{
	size_t size = j->size ? j->size : 65536;
	char *bigger;

	if (j->failed)
		return false;
	if (j->length + more <= j->size)
		return true;
	while (size < j->length + more)
		size *= 2;
	bigger = realloc(j->text, size);
	if (!bigger) {
		j->failed = true;
		return false;
	}
	j->text = bigger;
	j->size = size;
	return true;
}

static void append(struct json *j, const char *s, size_t length)
{
	if (!reserve(j, length))
		return;
	memcpy(j->text + j->length, s, length);
	j->length += length;
}

__attribute__((format(printf, 2, 3)))
static void append_format(struct json *j, const char *format, ...)
{
	char text[64];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	append(j, text, length);
}

static void append_escape(struct json *j, uint32_t character)
{
	if (character < 0x10000)
		append_format(j, "\\u%04x", character);
	else	/* as UTF-16 does (RFC 8259, section 7) */
		append_format(j, "\\u%04x\\u%04x", 0xd800 + ((character - 0x10000) >> 10),
			      0xdc00 + (character & 0x3ff));
}

/* Parsers give the same string whether a character is escaped; programs that show the line (cat,
 * less, a pager of logs) do not interpret an escape. */
static void append_quoted(struct json *j, const char *s)
{
	uint32_t character;
	size_t length;

	append(j, "\"", 1);
	for (; *s; s += length ? length : 1) {
		length = utf8__decode(s, &character);
		if (!length)
			append(j, "\xef\xbf\xbd", 3);
		else if (*s == '"' || *s == '\\')
			append_format(j, "\\%c", *s);
		else if (utf8__is_hidden(character))
			append_escape(j, character);
		else
			append(j, s, length);
	}
	append(j, "\"", 1);
}

static void begin_value(struct json *j, const char *key)
{
	if (j->has_member & (1ULL << j->depth))
		append(j, ",", 1);
	j->has_member |= 1ULL << j->depth;
	if (key) {
		append_quoted(j, key);
		append(j, ":", 1);
	}
}

static void begin_nested(struct json *j, const char *key, const char *bracket)
{
	begin_value(j, key);
	append(j, bracket, 1);
	j->depth++;
	j->has_member &= ~(1ULL << j->depth);
}

void json__object(struct json *j, const char *key)
{
	begin_nested(j, key, "{");
}

void json__array(struct json *j, const char *key)
{
	begin_nested(j, key, "[");
}

void json__end_object(struct json *j)
{
	j->depth--;
	append(j, "}", 1);
}

void json__end_array(struct json *j)
{
	j->depth--;
	append(j, "]", 1);
}

void json__string(struct json *j, const char *key, const char *value)
{
	begin_value(j, key);
	append_quoted(j, value);
}

void json__bool(struct json *j, const char *key, bool value)
{
	begin_value(j, key);
	append_format(j, "%s", value ? "true" : "false");
}

void json__null(struct json *j, const char *key)
{
	begin_value(j, key);
	append(j, "null", 4);
}

void json__u64(struct json *j, const char *key, uint64_t value)
{
	begin_value(j, key);
	append_format(j, "%" PRIu64, value);
}

void json__s64(struct json *j, const char *key, int64_t value)
{
	begin_value(j, key);
	append_format(j, "%" PRId64, value);
}

void json__big(struct json *j, const char *key, uint64_t value)
{
	begin_value(j, key);
	append_format(j, "\"%" PRIu64 "\"", value);
}

static void append_milli(struct json *j, uint64_t thousandths)
{
	unsigned int rest = thousandths % 1000;

	append_format(j, "%" PRIu64, thousandths / 1000);
	if (!rest)
		return;
	if (rest % 100 == 0)
		append_format(j, ".%u", rest / 100);
	else if (rest % 10 == 0)
		append_format(j, ".%02u", rest / 10);
	else
		append_format(j, ".%03u", rest);
}

void json__milli(struct json *j, const char *key, uint64_t thousandths)
{
	begin_value(j, key);
	append_milli(j, thousandths);
}

void json__number(struct json *j, const char *key, double value)
{
	int64_t thousandths = llround(fmin(fmax(value, -NUMBER_MAX), NUMBER_MAX) * 1000);

	begin_value(j, key);
	if (thousandths < 0)
		append_format(j, "-");
	append_milli(j, llabs(thousandths));
}

void json__rate(struct json *j, const char *key, double value)
{
	double within = fmin(fmax(value, -NUMBER_MAX), NUMBER_MAX);
	char text[32];
	int length = snprintf(text, sizeof(text), "%.6f", within);

	while (length > 1 && text[length - 1] == '0')
		length--;
	length -= text[length - 1] == '.';
	begin_value(j, key);
	append_format(j, "%.*s", length, text);
}

void json__time(struct json *j, const char *key, int64_t unix_ns)
{
	time_t seconds = unix_ns / 1000000000;
	char text[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	begin_value(j, key);
	append_format(j, "\"%s.%09uZ\"", text, (unsigned int)(unix_ns % 1000000000));
}

void json__end_line(struct json *j)
{
	append(j, "\n", 1);
	j->has_member = 0;
}

void json__free(struct json *j)
{
	free(j->text);
	*j = (struct json){ 0 };
}
