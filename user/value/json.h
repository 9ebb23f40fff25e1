/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A streaming JSON writer into a growing buffer: it adds commas, escapes and nesting. Strings from
 * outside (program names, host names) may hold any bytes; bytes that are not UTF-8 come out as
 * U+FFFD, characters that a terminal would interpret or hide as a JSON escape.
 */
#ifndef HALFOPEN_VALUE_JSON_H
#define HALFOPEN_VALUE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *text;
	size_t length, size;
	unsigned int depth;
	uint64_t has_member;	/* bit d: depth d has a member already */
	bool failed;		/* memory was short: the text is not to be used */
	int64_t second;		/* of the last time that was written, ... */
	char second_text[32];	/* ... and as text */
	size_t second_length;	/* 0: none was */
};

/* In an object `key` names the member: it is ours, and needs no escape. In an array and at the top it
 * is NULL. */
void json__object(struct json *j, const char *key);
void json__end_object(struct json *j);
void json__array(struct json *j, const char *key);
void json__end_array(struct json *j);
void json__string(struct json *j, const char *key, const char *value);
void json__bool(struct json *j, const char *key, bool value);
void json__null(struct json *j, const char *key);
void json__u64(struct json *j, const char *key, uint64_t value);
void json__s64(struct json *j, const char *key, int64_t value);
/* An integer that may pass 2^53, as a string of digits. */
void json__big(struct json *j, const char *key, uint64_t value);
/* A number with up to three decimals: `thousandths` / 1000. */
void json__milli(struct json *j, const char *key, uint64_t thousandths);
/* The same of any number, rounded. */
void json__number(struct json *j, const char *key, double value);
/* A rate, which may be far below 1: up to six decimals. */
void json__rate(struct json *j, const char *key, double value);
/* RFC 3339, UTC, nanoseconds; `unix_ns` since 1970. */
void json__time(struct json *j, const char *key, int64_t unix_ns);

/* Ends a line of JSON Lines; the next value starts a new one. */
void json__end_line(struct json *j);

void json__free(struct json *j);

#endif
