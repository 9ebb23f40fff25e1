// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "filter/filter.h"
#include "filter/operand.h"
#include "value/number.h"

struct parser {
	struct lexer words;
	filter_service_fn service;
	unsigned int depth;
};

/* Limit of nested parentheses, against hostile input. */
#define DEPTH_MAX 64

static struct filter *parse_or(struct parser *p);

static struct filter *new_node(enum filter_test kind)
{
	struct filter *f = calloc(1, sizeof(*f));

	if (f)
		f->kind = kind;
	return f;
}

/* Takes an operator if there is one; none means equal. */
static enum filter_compare take_compare(struct parser *p, bool order)
{
	static const struct {
		const char *name;
		enum filter_compare compare;
	} names[] = {
		{ "=", EQUAL },
		{ "==", EQUAL },
		{ "eq", EQUAL },
		{ "!=", NOT_EQUAL },
		{ "ne", NOT_EQUAL },
		{ "neq", NOT_EQUAL },
		{ "<", LESS },
		{ "lt", LESS },
		{ "<=", LESS_OR_EQUAL },
		{ "le", LESS_OR_EQUAL },
		{ "leq", LESS_OR_EQUAL },
		{ ">", GREATER },
		{ "gt", GREATER },
		{ ">=", GREATER_OR_EQUAL },
		{ "ge", GREATER_OR_EQUAL },
		{ "geq", GREATER_OR_EQUAL },
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!lexer__is(&p->words, names[i].name) || p->words.token.quoted)
			continue;
		if (!order && names[i].compare > NOT_EQUAL)
			lexer__fail(&p->words, "= or !=");
		lexer__next(&p->words);
		return names[i].compare;
	}
	return EQUAL;
}

static bool parse_port(struct parser *p, struct filter *f)
{
	f->compare = take_compare(p, true);
	if (operand__read_port(p->words.token.at, p->words.token.length, p->service, &f->number)) {
		lexer__next(&p->words);
		return true;
	}
	lexer__fail(&p->words, "a port number (:1883 or 1883) or the name of a service (:http)");
	return false;
}

static bool parse_host(struct parser *p, struct filter *f)
{
	static const char expected[] = "a host (10.0.0.0/8, 192.0.2.1:80, [2001:db8::1]:80, :80)";
	char text[80] = "";

	f->compare = take_compare(p, false);
	if (p->words.token.is_word && p->words.token.length < sizeof(text))
		memcpy(text, p->words.token.at, p->words.token.length);
	if (*text && operand__read_host(text, p->service, &f->host)) {
		lexer__next(&p->words);
		return true;
	}
	lexer__fail(&p->words, expected);
	return false;
}

static bool parse_states(struct parser *p, struct filter *f, bool exclude)
{
	if (!operand__read_states(&p->words, &f->number)) {
		lexer__fail(&p->words,
			    "a state (established, close-wait, fin-wait-1, connected, all ...)");
		return false;
	}
	lexer__next(&p->words);
	f->compare = exclude ? NOT_EQUAL : EQUAL;
	return true;
}

static bool parse_pid(struct parser *p, struct filter *f)
{
	f->compare = take_compare(p, true);
	if (number__read(p->words.token.at, p->words.token.length, UINT32_MAX, &f->number)) {
		lexer__next(&p->words);
		return true;
	}
	lexer__fail(&p->words, "a process id");
	return false;
}

static bool parse_word(struct parser *p, struct filter *f)
{
	f->compare = take_compare(p, false);
	f->word = lexer__take_word(&p->words, "a name");
	return f->word;
}

static struct filter *parse_test(struct parser *p)
{
	static const struct {
		const char *name;
		enum filter_test kind;
	} keys[] = {
		{ "sport", NODE_SPORT },
		{ "dport", NODE_DPORT },
		{ "src", NODE_SRC },
		{ "dst", NODE_DST },
		{ "state", NODE_STATE },
		{ "exclude", NODE_STATE },
		{ "pid", NODE_PID },
		{ "netns", NODE_NETNS },
		{ "comm", NODE_COMM },
		{ "cgroup", NODE_CGROUP },
		{ "container", NODE_CONTAINER },
		{ "device", NODE_DEVICE },
	};
	const unsigned int count = sizeof(keys) / sizeof(keys[0]);
	bool exclude = lexer__is(&p->words, "exclude"), ok;
	struct filter *f;
	unsigned int i;

	for (i = 0; i < count && !lexer__is(&p->words, keys[i].name); i++)
		;
	if (i == count || p->words.token.quoted) {
		lexer__fail(&p->words,
			    "sport, dport, src, dst, state, exclude, netns, pid, comm, cgroup, "
			    "container, device, not or (");
		return NULL;
	}
	f = new_node(keys[i].kind);
	if (!f)
		return NULL;
	lexer__next(&p->words);
	switch (f->kind) {
	case NODE_SPORT:
	case NODE_DPORT:
		ok = parse_port(p, f);
		break;
	case NODE_SRC:
	case NODE_DST:
		ok = parse_host(p, f);
		break;
	case NODE_STATE:
		ok = parse_states(p, f, exclude);
		break;
	case NODE_PID:
		ok = parse_pid(p, f);
		break;
	default:
		ok = parse_word(p, f);
	}
	if (ok && !p->words.failed)
		return f;
	filter__free(f);
	return NULL;
}

static struct filter *parse_unary(struct parser *p)
{
	struct filter *f = NULL;

	if (++p->depth > DEPTH_MAX) {
		lexer__fail(&p->words, "fewer parentheses");
	} else if (lexer__take(&p->words, "not") || lexer__take(&p->words, "!")) {
		f = new_node(NODE_NOT);
		if (f)
			f->left = parse_unary(p);
		if (f && !f->left) {
			filter__free(f);
			f = NULL;
		}
	} else if (lexer__take(&p->words, "(")) {
		f = parse_or(p);
		if (f && !lexer__take(&p->words, ")")) {
			lexer__fail(&p->words, "and, or or )");
			filter__free(f);
			f = NULL;
		}
	} else {
		f = parse_test(p);
	}
	p->depth--;
	return f;
}

static struct filter *join(enum filter_test kind, struct filter *left, struct filter *right)
{
	struct filter *f = right ? new_node(kind) : NULL;

	if (!f) {
		filter__free(left);
		filter__free(right);
		return NULL;
	}
	f->left = left;
	f->right = right;
	return f;
}

static bool take_or(struct parser *p)
{
	return lexer__take(&p->words, "or") || lexer__take(&p->words, "|") ||
	       lexer__take(&p->words, "||");
}

static struct filter *parse_and(struct parser *p)
{
	struct filter *f = parse_unary(p);

	/* Adjacent tests are joined by `and`, as in ss. */
	while (f && p->words.token.length && !lexer__is(&p->words, ")") &&
	       !lexer__is(&p->words, "or") && !lexer__is(&p->words, "|") &&
	       !lexer__is(&p->words, "||")) {
		if (!lexer__take(&p->words, "and") && !lexer__take(&p->words, "&"))
			lexer__take(&p->words, "&&");
		f = join(NODE_AND, f, parse_unary(p));
	}
	return f;
}

static struct filter *parse_or(struct parser *p)
{
	struct filter *f = parse_and(p);

	while (f && take_or(p))
		f = join(NODE_OR, f, parse_and(p));
	return f;
}

struct filter *filter__parse(const char *text, filter_service_fn service,
			     struct filter_error *error)
{
	struct parser p = { .words = { .text = text, .token.at = text, .error = error },
			    .service = service };
	struct filter *f;

	*error = (struct filter_error){ 1, "out of memory" };
	lexer__next(&p.words);
	f = parse_or(&p);
	if (f && p.words.token.length) {
		lexer__fail(&p.words, "and, or, or the end");
		filter__free(f);
		f = NULL;
	}
	return f;
}

void filter__free(struct filter *f)
{
	if (!f)
		return;
	filter__free(f->left);
	filter__free(f->right);
	free(f->word);
	free(f);
}
