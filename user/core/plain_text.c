// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "plain_text.h"

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* Length of the UTF-8 sequence at `s` that a terminal prints: no control (C1 are two bytes),
 * nothing overlong (RFC 3629). 0: none. */
static size_t printable_length(const unsigned char *s)
{
	size_t length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4, i;

	if (s[0] < 0x80)
		return s[0] >= ' ' && s[0] != 0x7f;
	if (s[0] < 0xc2 || s[0] > 0xf4 || (s[0] == 0xc2 && s[1] < 0xa0) ||
	    (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90))
		return 0;
	for (i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static size_t host_name_length(const unsigned char *s)
{
	return strchr(LETTERS_AND_DIGITS "-._", *s) ? 1 : 0;
}

static const char *escape(const char *from, char *to, size_t size,
			  size_t (*plain)(const unsigned char *s))
{
	const unsigned char *s = (const unsigned char *)from;
	size_t used = 0, length;

	while (*s) {
		length = plain(s);
		if (used + (length ? length : 4) >= size)
			break;
		if (length)
			memcpy(to + used, s, length);
		else
			snprintf(to + used, size - used, "\\x%02x", *s);
		used += length ? length : 4;
		s += length ? length : 1;
	}
	to[used] = '\0';
	return to;
}

const char *plain_text__of(const char *from, char *to, size_t size)
{
	return escape(from, to, size, printable_length);
}

const char *plain_text__of_host(const char *from, char *to, size_t size)
{
	return escape(from, to, size, host_name_length);
}

static bool is_one_word(const char *text)
{
	return *text && text[strspn(text, LETTERS_AND_DIGITS "-._/:,@%+=")] == '\0';
}

const char *plain_text__quoted(const char *from, char *to, size_t size)
{
	size_t used = 0;

	if (is_one_word(from)) {
		snprintf(to, size, "%s", from);
		return to;
	}
	to[used++] = '\'';
	for (; *from && used + 6 < size; from++) {
		if (*from == '\'')
			used += snprintf(to + used, size - used, "'\\''");
		else
			to[used++] = *from;
	}
	snprintf(to + used, size - used, "'");
	return to;
}
