// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "value/json.h"
#include "value/number.h"
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

/* Of what stands for itself, the characters of ASCII up to the first other one. */
static size_t plain_length(const char *s)
{
	const char *at = s;

	while (*at >= ' ' && *at <= '~' && *at != '"' && *at != '\\')
		at++;
	return at - s;
}

/* Returns what is behind it. */
static const char *append_character(struct json *j, const char *s)
{
	uint32_t character;
	size_t length = utf8__decode(s, &character);

	if (!length)
		append(j, "\xef\xbf\xbd", 3);
	else if (*s == '"' || *s == '\\')
		append_format(j, "\\%c", *s);
	else if (utf8__is_hidden(character))
		append_escape(j, character);
	else
		append(j, s, length);
	return s + (length ? length : 1);
}

/* Parsers give the same string whether a character is escaped; programs that show the line (cat,
 * less, a pager of logs) do not interpret an escape. */
static void append_quoted(struct json *j, const char *s)
{
	size_t length;

	append(j, "\"", 1);
	while (*s) {
		length = plain_length(s);
		append(j, s, length);
		s += length;
		if (*s)
			s = append_character(j, s);
	}
	append(j, "\"", 1);
}

/* Without printf(3), as all numbers here: there may be a million lines. */
static void append_number(struct json *j, uint64_t number)
{
	char digits[20];

	append(j, digits, number__put(digits, number) - digits);
}

static void begin_value(struct json *j, const char *key)
{
	if (j->has_member & (1ULL << j->depth))
		append(j, ",", 1);
	j->has_member |= 1ULL << j->depth;
	if (key) {
		append(j, "\"", 1);
		append(j, key, strlen(key));
		append(j, "\":", 2);
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
	append(j, value ? "true" : "false", value ? 4 : 5);
}

void json__null(struct json *j, const char *key)
{
	begin_value(j, key);
	append(j, "null", 4);
}

void json__u64(struct json *j, const char *key, uint64_t value)
{
	begin_value(j, key);
	append_number(j, value);
}

void json__s64(struct json *j, const char *key, int64_t value)
{
	begin_value(j, key);
	if (value < 0)
		append(j, "-", 1);
	append_number(j, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json__big(struct json *j, const char *key, uint64_t value)
{
	begin_value(j, key);
	append(j, "\"", 1);
	append_number(j, value);
	append(j, "\"", 1);
}

/* As many of the `count` digits behind a point as are not 0 at the end. */
static void append_fraction(struct json *j, uint32_t fraction, unsigned int count)
{
	char text[10] = ".";
	unsigned int i;

	for (i = count; i; i--, fraction /= 10)
		text[i] = '0' + fraction % 10;
	while (count && text[count] == '0')
		count--;
	if (count)
		append(j, text, count + 1);
}

static void append_milli(struct json *j, uint64_t thousandths)
{
	append_number(j, thousandths / 1000);
	append_fraction(j, thousandths % 1000, 3);
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
		append(j, "-", 1);
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

/* The second of most times is that of the one before. */
static void set_second(struct json *j, time_t second)
{
	struct tm tm;

	if (j->second_length && j->second == second)
		return;
	gmtime_r(&second, &tm);
	j->second = second;
	j->second_length = strftime(j->second_text, sizeof(j->second_text), "\"%Y-%m-%dT%H:%M:%S.", &tm);
}

void json__time(struct json *j, const char *key, int64_t unix_ns)
{
	uint32_t ns = unix_ns % 1000000000;
	char text[11] = "000000000Z\"";
	unsigned int i;

	set_second(j, unix_ns / 1000000000);
	for (i = 9; i--; ns /= 10)
		text[i] = '0' + ns % 10;
	begin_value(j, key);
	append(j, j->second_text, j->second_length);
	append(j, text, sizeof(text));
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
