/* SPDX-License-Identifier: GPL-2.0 */
/* Words of a FILTER text, and the error where one does not fit. */
#ifndef HALFOPEN_CORE_FILTER_LEXER_H
#define HALFOPEN_CORE_FILTER_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "filter/filter.h"

/* A piece of the text: a word, an operator or a parenthesis; empty at the end. A quote that nothing
 * closes is the error, and no word. */
struct token {
	const char *at;
	size_t length;
	bool is_word;
	bool quoted;
};

/* Begins with the first token taken: lexer__next(). */
struct lexer {
	const char *text;
	struct token token;
	struct filter_error *error;
	bool failed;
};

void lexer__next(struct lexer *l);

/* Is the present token `what`? */
bool lexer__is(const struct lexer *l, const char *what);

/* Moves past it if it is. */
bool lexer__take(struct lexer *l, const char *what);

/* A copy of the present word, which the caller frees; NULL: none, which is the error. */
char *lexer__take_word(struct lexer *l, const char *expected);

/* Keeps the first error: `expected` is what should stand in place of the present token. */
void lexer__fail(struct lexer *l, const char *expected);

#endif
