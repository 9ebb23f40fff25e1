// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a name: a terminal gets only characters that it shows, within the column limit; JSON
 * keeps them unchanged, except for invalid UTF-8. */
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "value/json.h"
#include "value/plain_text.h"
#include "value/utf8.h"
#include "value/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_shown(const char *text, size_t size)
{
	uint32_t character;
	size_t at, length;

	for (at = 0; at < size; at += length) {
		length = utf8__decode(text + at, &character);
		if (!length || utf8__is_hidden(character))
			abort();
	}
}

static void write_as_text(const char *name)
{
	char cut[PLAIN_TEXT_SIZE(24)];
	struct words w = { 0 }, again = { 0 };

	words__add(&w, "%s", name);
	must_be_shown(w.text, w.length);
	if (plain_text__columns(w.text) > PLAIN_TEXT_COLUMNS)
		abort();
	words__add(&again, "%s", w.text);
	if (strcmp(w.text, again.text))
		abort();
	words__free(&again);
	words__add_argument(&w, name);
	must_be_shown(w.text, w.length);
	words__free(&w);
	plain_text__within(name, 24, cut, sizeof(cut));
	must_be_shown(cut, strlen(cut));
	if (plain_text__columns(cut) > 24)
		abort();
}

/* U+FFFD in place of each byte that is no UTF-8. */
static void must_be_same(const char *read, const char *name)
{
	uint32_t character;
	size_t length;

	for (; *name; name += length ? length : 1) {
		length = utf8__decode(name, &character);
		if (memcmp(read, length ? name : "\xef\xbf\xbd", length ? length : 3))
			abort();
		read += length ? length : 3;
	}
	if (*read)
		abort();
}

static void write_as_json(const char *name)
{
	struct json j = { 0 };
	json_t *read;

	json__array(&j, NULL);
	json__string(&j, NULL, name);
	json__end_array(&j);
	must_be_shown(j.text, j.length);
	read = json_loadb(j.text, j.length, 0, NULL);
	if (!read)
		abort();
	must_be_same(json_string_value(json_array_get(read, 0)), name);
	json_decref(read);
	json__free(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = strndup((const char *)data, size);

	if (!name)
		abort();
	setlocale(LC_CTYPE, "C.UTF-8");
	write_as_text(name);
	write_as_json(name);
	free(name);
	return 0;
}
