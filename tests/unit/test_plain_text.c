// SPDX-License-Identifier: GPL-2.0
/* Foreign text: on a terminal, as a word of a shell, in JSON. */
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <unistd.h>

#include "unit.h"
#include "value/json.h"
#include "value/netns_address.h"
#include "value/plain_text.h"
#include "value/utf8.h"
#include "value/words.h"

static void test_what_a_terminal_would_obey_or_hide(void **state)
{
	static const struct {
		const char *from, *text;
	} cases[] = {
		{ "pod-7", "pod-7" },
		{ "", "" },
		{ "a\x1b[2J\n\r\t", "a\\x1b[2J\\x0a\\x0d\\x09" },
		{ "\x7f\x01", "\\x7f\\x01" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "\xc2\x9b" "31m", "\\u009b31m" },		/* C1: CSI */
		{ "\x9b\xff\xe2\x82", "\\x9b\\xff\\xe2\\x82" },	/* no UTF-8 */
		{ "\xc0\x8a\xe0\x80\x8a", "\\xc0\\x8a\\xe0\\x80\\x8a" },	/* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* a surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },	/* beyond Unicode */
		{ "\xe2\x80\xae" "txt", "\\u202etxt" },		/* right to left from here on */
		{ "\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069" },	/* isolates */
		{ "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\u200e\\u200f\\u061c" },
		{ "a\xe2\x80\x8b" "b\xef\xbb\xbf", "a\\u200bb\\ufeff" },	/* of no width */
		{ "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029" },	/* ends of lines */
		{ "\xf3\xa0\x80\x81", "\\U000e0001" },		/* a tag */
		{ "\xf0\x9f\x93\xa1", "\xf0\x9f\x93\xa1" },
		{ "e\xcc\x81\xcc\x81", "e\xcc\x81\xcc\x81" },
		{ "\xcc\x81" "e", "\\u0301e" },			/* a mark on what is ours */
		{ "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
		  "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\\u0301" },
	};
	char to[64], again[64];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		plain_text__of(cases[i].from, to, sizeof(to));
		assert_string_equal(to, cases[i].text);
		assert_string_equal(plain_text__of(to, again, sizeof(again)), to);
	}
	assert_string_equal(plain_text__of_host("(sd) \x1b\xc3\xa9", to, sizeof(to)),
			    "\\x28sd\\x29\\x20\\x1b\\xc3\\xa9");
}

/* Who is called like an escape does not look like who is called by what it stands for; and what is
 * plain stays as it is. */
static void test_names_that_look_like_escapes(void **state)
{
	static const char *const names[] = { "x\x1b", "x\\x1b", "x\\x5cx1b", "x\\\x1b", "x\\u202e",
					     "x\xe2\x80\xae", "x\\\\x1b", "x\\" };
	char shown[8][PLAIN_TEXT_SIZE(16)], again[PLAIN_TEXT_SIZE(40)];
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 8; i++) {
		plain_text__name(names[i], 40, shown[i], sizeof(shown[i]));
		assert_string_equal(plain_text__of(shown[i], again, sizeof(again)), shown[i]);
		for (j = 0; j < i; j++)
			assert_string_not_equal(shown[i], shown[j]);
	}
	assert_string_equal(shown[0], "x\\x1b");
	assert_string_equal(shown[1], "x\\x5cx1b");
	assert_string_equal(shown[7], "x\\");
	assert_string_equal(plain_text__name("a\\xbcd", 6, again, sizeof(again)), "a...");
}

static void test_a_cut_is_between_characters(void **state)
{
	char to[PLAIN_TEXT_SIZE(16)];

	(void)state;
	assert_string_equal(plain_text__of("ab\x1b", to, 6), "ab");
	assert_string_equal(plain_text__of("ab\xc3\xa9", to, 4), "ab");
	assert_string_equal(plain_text__of("\xe2\x82\xac\xe2\x82\xac", to, 6), "\xe2\x82\xac");
	assert_string_equal(plain_text__within("abcdefgh", 8, to, sizeof(to)), "abcdefgh");
	assert_string_equal(plain_text__within("abcdefghi", 8, to, sizeof(to)), "abcde...");
	assert_string_equal(plain_text__within("abc\x1b" "defgh", 8, to, sizeof(to)), "abc...");
	assert_string_equal(plain_text__within("\x1b\x1b\x1b", 8, to, sizeof(to)), "\\x1b...");
	/* two columns each */
	assert_string_equal(plain_text__within("\xe6\xb0\xb4\xe6\xb0\xb4\xe6\xb0\xb4", 5, to,
					       sizeof(to)), "\xe6\xb0\xb4...");
	assert_int_equal(plain_text__columns("\xe6\xb0\xb4" "e\xcc\x81" "\\x1b"), 7);
}

static void test_formats_are_ours_and_strings_are_not(void **state)
{
	char to[256], theirs[256], is_long[PLAIN_TEXT_COLUMNS + 100];
	struct words w = { 0 };

	(void)state;
	plain_text__format(to, sizeof(to), "\x1b[31m%s|%-6s|%6s|%.2s|%*s|%c|%%\n", "\x1b[0m",
			   "\xe6\xb0\xb4", "\xc3\xa9", "abc", 3, "x", '\n');
	assert_string_equal(to, "\x1b[31m\\x1b[0m|\xe6\xb0\xb4    |     \xc3\xa9|ab|  x|\\x0a|%\n");
	assert_int_equal(plain_text__format(to, 4, "%s%s", "ab", "\x1b"), 6);
	assert_string_equal(to, "ab");
#define ALIKE(...)                                                       \
	do {                                                             \
		plain_text__format(to, sizeof(to), __VA_ARGS__);         \
		snprintf(theirs, sizeof(theirs), __VA_ARGS__);           \
		assert_string_equal(to, theirs);                         \
	} while (0)
	ALIKE("%d %u %5d|%-5d|%05d %+d %x %#X %o %hhu", -1, 1U, 42, 42, 42, 42, 255, 255, 8,
	      (unsigned char)7);
	ALIKE("%lld %llu %ld %lu %zu %zd %jd %td", -(1LL << 40), 1ULL << 63, -5L, 5UL, sizeof(to),
	      (ssize_t)-3, (intmax_t)-4, (ptrdiff_t)9);
	ALIKE("%.3f %10.2e %g %.3g %.*f %*d %-*d|", 3.14159, 1e9, 0.5, 12345.678, 1, 2.25, 6, 1, 6,
	      2);
	ALIKE("%s %10s|%-10s|%.3s|%.*s|", "a", "b", "c", "defg", 2, "hij");
	ALIKE("%.0f %f %g", 1e30, -INFINITY, NAN);
	memset(is_long, 'x', sizeof(is_long) - 1);
	is_long[sizeof(is_long) - 1] = '\0';
	words__add(&w, "%s!", is_long);
	assert_int_equal(w.length, PLAIN_TEXT_COLUMNS + 1);
	assert_string_equal(w.text + w.length - 5, "x...!");
	words__free(&w);
	/* a command is never cut */
	words__add_argument(&w, is_long);
	assert_int_equal(w.length, sizeof(is_long));
	words__free(&w);
}

/* The word as a shell reads it. */
static void by_a_shell(const char *word, char *to, size_t size)
{
	char command[4096];
	size_t used;
	FILE *f;

	snprintf(command, sizeof(command), "set -f; set -- %s; printf '%%s#' \"$@\"", word);
	f = popen(command, "r");
	assert_non_null(f);
	used = fread(to, 1, size - 1, f);
	to[used] = '\0';
	assert_int_equal(pclose(f), 0);
}

static void test_words_of_a_shell(void **state)
{
	static const char *const words[] = {
		"pod-7", "inode:1,cookie:2", "/run/x y", "", "it's", "a;touch /x #", "$(id)",
		"`id`",
		"a\nb", "\x1b[2J", "\xff\xc3\xa9", "-x", "~", "*", "a\\b", "\"", "%s%d\x01" "9",
		"\xe2\x80\xae" "evil", "caf\xc3\xa9", "!!", "a=b", "#", "\x07\x07" "777",
	};
	char word[256], shown[256], got[256], expected[256];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		plain_text__quoted(words[i], word, sizeof(word));
		assert_string_equal(plain_text__of(word, shown, sizeof(shown)), word);
		snprintf(expected, sizeof(expected), "%s#", words[i]);
		by_a_shell(word, got, sizeof(got));
		assert_string_equal(got, expected);
	}
	/* whole, or one that addresses nothing */
	assert_string_equal(plain_text__quoted("abc def", word, 9), "''");
	assert_string_equal(plain_text__quoted("abc def", word, 10), "'abc def'");
	assert_string_equal(plain_text__quoted("abcdef", word, 6), "''");
	assert_string_equal(plain_text__quoted("/tmp/abc\n", word, sizeof(word)), "''");
}

static void test_json_shows_harmless_what_parsers_read(void **state)
{
	static const char *const strings[] = {
		"plain", "\"\\/", "\x01\x1b[2J\n\x7f", "\xc2\x9b", "\xe2\x80\xae",
		"\xf3\xa0\x80\x81",
		"\xf0\x9f\x93\xa1", "caf\xc3\xa9", "\xef\xbb\xbf", "\xe2\x80\xa8",
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		struct json j = { 0 };
		uint32_t character;
		json_t *read;
		size_t at, length;

		json__array(&j, NULL);
		json__string(&j, NULL, strings[i]);
		json__end_array(&j);
		read = json_loadb(j.text, j.length, 0, NULL);
		assert_non_null(read);
		assert_string_equal(json_string_value(json_array_get(read, 0)), strings[i]);
		json_decref(read);
		json__end_line(&j);
		for (at = 0; at + 1 < j.length; at += length) {
			length = utf8__decode(j.text + at, &character);
			assert_true(length && !utf8__is_hidden(character));
		}
		json__free(&j);
	}
}

static void test_names_of_namespaces(void **state)
{
	static const char *const names[] = { "pod-7", "a", "cni-0b1c", "_x", "1a", "7.7", "inode" };
	static const char *const others[] = {
		"", "7", "4026531840", "-x", ".x", "..", "a b", "a;b", "a/b", "a\nb", "caf\xc3\xa9",
		"inode:1,cookie:2", "$(id)", "a'b", "\x1b",
		"0123456789012345678901234567890123456789012345678901234567890123a",
	};
	char address[NETNS_ADDRESS_OF_COOKIE_SIZE];
	uint64_t cookie;
	uint32_t inode;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(netns_address__is_name(names[i]));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(netns_address__is_name(others[i]));
	netns_address__of_cookie(4026531840, UINT64_MAX, address);
	assert_string_equal(address, "inode:4026531840,cookie:18446744073709551615");
	assert_true(netns_address__read_cookie(address, &inode, &cookie));
	assert_true(inode == 4026531840 && cookie == UINT64_MAX);
	assert_false(netns_address__read_cookie("inode:1,cookie:0", &inode, &cookie));
	assert_false(netns_address__read_cookie("inode:1,cookie:2;id", &inode, &cookie));
	assert_false(netns_address__read_cookie("inode:-1,cookie:+2", &inode, &cookie));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_terminal_would_obey_or_hide),
		cmocka_unit_test(test_names_that_look_like_escapes),
		cmocka_unit_test(test_a_cut_is_between_characters),
		cmocka_unit_test(test_formats_are_ours_and_strings_are_not),
		cmocka_unit_test(test_words_of_a_shell),
		cmocka_unit_test(test_json_shows_harmless_what_parsers_read),
		cmocka_unit_test(test_names_of_namespaces),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
