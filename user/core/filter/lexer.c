// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "filter/lexer.h"

/* A quote that opens at the present token, of what is no word. */
static void fail_of_quote(struct lexer *l)
{
	if (l->failed)
		return;
	l->failed = true;
	l->error->column = l->token.at - l->text + 1;
	snprintf(l->error->text, sizeof(l->error->text),
		 "the quote (%c) that begins here is never closed", *l->token.at);
}

void lexer__next(struct lexer *l)
{
	const char *s = l->token.at + l->token.length + l->token.quoted;
	struct token *t = &l->token;

	while (isspace((unsigned char)*s))
		s++;
	*t = (struct token){ .at = s };
	if (!*s)
		return;
	if (strchr("()", *s)) {
		t->length = 1;
	} else if (strchr("=!<>&|", *s)) {
		t->length = 1 + (s[1] == '=' || (strchr("&|", *s) && s[1] == *s));
	} else if (*s == '"' || *s == '\'') {
		const char *end = strchr(s + 1, *s);

		if (!end) {
			t->length = strlen(s);
			fail_of_quote(l);
			return;
		}
		t->is_word = t->quoted = true;
		t->at = s + 1;
		t->length = end - s - 1;
	} else {
		t->is_word = true;
		t->length = strcspn(s, " \t\n()=!<>&|");
	}
}

bool lexer__is(const struct lexer *l, const char *what)
{
	return strlen(what) == l->token.length && !strncmp(l->token.at, what, l->token.length);
}

bool lexer__take(struct lexer *l, const char *what)
{
	if (!lexer__is(l, what))
		return false;
	lexer__next(l);
	return true;
}

void lexer__fail(struct lexer *l, const char *expected)
{
	if (l->failed)
		return;
	l->failed = true;
	l->error->column = l->token.at - l->text + 1;
	if (l->token.length)
		snprintf(l->error->text, sizeof(l->error->text), "expected %s, not '%.*s'",
			 expected, l->token.length < 40 ? (int)l->token.length : 40, l->token.at);
	else
		snprintf(l->error->text, sizeof(l->error->text), "expected %s, but here it ends",
			 expected);
}

char *lexer__take_word(struct lexer *l, const char *expected)
{
	char *word = l->token.is_word ? strndup(l->token.at, l->token.length) : NULL;

	if (!word)
		lexer__fail(l, expected);
	else
		lexer__next(l);
	return word;
}
