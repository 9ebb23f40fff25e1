// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "filter.h"
#include "tcp_states.h"

enum node_kind {
	NODE_AND, NODE_OR, NODE_NOT,
	NODE_SPORT, NODE_DPORT, NODE_SRC, NODE_DST, NODE_STATE, NODE_PID,
	NODE_NETNS, NODE_COMM, NODE_CGROUP, NODE_CONTAINER, NODE_DEVICE,
};

enum compare { EQUAL, NOT_EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

struct host {
	struct endpoint end;	/* an IPv4 address in its mapped form; the port is not used */
	uint8_t prefix;		/* bits; 0: any address */
	int32_t port;		/* -1: any */
};

struct filter {
	enum node_kind kind;
	enum compare compare;
	struct filter *left, *right;	/* NODE_NOT has the left one only */
	uint32_t number;	/* a port, a pid, a set of states */
	struct host host;
	char *word;
};

/* ---- words ---- */

/* A piece of the text: a word, an operator or a parenthesis; empty at the end. */
struct token {
	const char *at;
	size_t length;
	bool is_word;
	bool quoted;
};

struct parser {
	const char *text;
	struct token token;
	struct filter_error *error;
	unsigned int depth;
	bool failed;
};

/* Nobody writes that many parentheses; somebody might feed them. */
#define DEPTH_MAX 64

static void next(struct parser *p)
{
	const char *s = p->token.at + p->token.length + p->token.quoted;
	struct token *t = &p->token;

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

		t->is_word = t->quoted = true;
		t->at = s + 1;
		t->length = end ? (size_t)(end - s - 1) : strlen(s + 1);
		t->quoted = end != NULL;
	} else {
		t->is_word = true;
		t->length = strcspn(s, " \t\n()=!<>&|");
	}
}

static bool is(const struct parser *p, const char *what)
{
	return strlen(what) == p->token.length && !strncmp(p->token.at, what, p->token.length);
}

static bool take(struct parser *p, const char *what)
{
	if (!is(p, what))
		return false;
	next(p);
	return true;
}

static void fail(struct parser *p, const char *expected)
{
	if (p->failed)
		return;
	p->failed = true;
	p->error->column = p->token.at - p->text + 1;
	if (p->token.length)
		snprintf(p->error->text, sizeof(p->error->text), "expected %s, not '%.*s'",
			 expected, p->token.length < 40 ? (int)p->token.length : 40, p->token.at);
	else
		snprintf(p->error->text, sizeof(p->error->text), "expected %s, but here it ends",
			 expected);
}

static char *take_word(struct parser *p, const char *expected)
{
	char *word = p->token.is_word ? strndup(p->token.at, p->token.length) : NULL;

	if (!word)
		fail(p, expected);
	else
		next(p);
	return word;
}

/* ---- numbers, hosts, states ---- */

static bool read_number(const char *text, size_t length, uint32_t max, uint32_t *number)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		n = n * 10 + text[i] - '0';
		if (n > max)
			return false;
	}
	*number = n;
	return length > 0;
}

static bool read_port(const char *text, size_t length, uint32_t *port)
{
	if (length && *text == ':')
		return read_number(text + 1, length - 1, 65535, port);
	return read_number(text, length, 65535, port);
}

/* "10.1" stands for 10.1.0.0 where a prefix follows, as in ss. */
static bool read_ipv4(const char *text, bool abbreviated, uint8_t *ipv4)
{
	unsigned int part[4] = { 0 };
	int parts, used = 0;

	if (!abbreviated)
		return inet_pton(AF_INET, text, ipv4) == 1;
	parts = sscanf(text, "%3u.%3u.%3u.%3u%n", &part[0], &part[1], &part[2], &part[3], &used);
	if (parts < 1 || strspn(text, "0123456789.") != strlen(text))
		return false;
	for (parts = 0; parts < 4; parts++) {
		if (part[parts] > 255)
			return false;
		ipv4[parts] = part[parts];
	}
	return true;
}

static bool read_address(char *text, struct host *h)
{
	char *slash = strchr(text, '/');
	struct endpoint ipv4 = { 0 };
	uint32_t prefix = 128;

	if (slash)
		*slash = '\0';
	if (!*text || !strcmp(text, "*"))
		return !slash;	/* any address */
	if (read_ipv4(text, slash != NULL, ipv4.address)) {
		if (slash && !read_number(slash + 1, strlen(slash + 1), 32, &prefix))
			return false;
		h->end = endpoint__mapped(&ipv4, AF_INET);
		h->prefix = 96 + (slash ? prefix : 32);
		return true;
	}
	if (slash && !read_number(slash + 1, strlen(slash + 1), 128, &prefix))
		return false;
	h->prefix = prefix;
	return inet_pton(AF_INET6, text, h->end.address) == 1;
}

/* Cuts the port off the text of a host; an IPv6 address needs brackets for that. */
static bool cut_port(char *text, struct host *h)
{
	char *bracket = strchr(text, ']'), *colon = strrchr(text, ':');
	uint32_t port;

	h->port = -1;
	if (bracket)
		colon = strchr(bracket, ':');
	else if (colon && strchr(text, ':') != colon)
		colon = NULL;	/* an IPv6 address */
	if (!colon)
		return true;
	*colon = '\0';
	if (!strcmp(colon + 1, "*"))
		return true;
	if (!read_number(colon + 1, strlen(colon + 1), 65535, &port))
		return false;
	h->port = port;
	return true;
}

static bool read_host(char *text, struct host *h)
{
	char *bracket;

	if (!cut_port(text, h))
		return false;
	bracket = strchr(text, ']');
	if (*text == '[' && bracket) {	/* [ADDRESS] or [ADDRESS]/PREFIX or [ADDRESS/PREFIX] */
		memmove(bracket, bracket + 1, strlen(bracket + 1) + 1);
		text++;
	}
	return read_address(text, h);
}

#define BIT(state) (1U << (state))

static const struct {
	const char *name;
	uint32_t states;
} state_names[] = {
	{ "established", BIT(TCP_ESTABLISHED) }, { "syn-sent", BIT(TCP_SYN_SENT) },
	{ "syn-recv", BIT(TCP_SYN_RECV) }, { "fin-wait-1", BIT(TCP_FIN_WAIT1) },
	{ "fin-wait-2", BIT(TCP_FIN_WAIT2) }, { "time-wait", BIT(TCP_TIME_WAIT) },
	{ "closed", BIT(TCP_CLOSE) }, { "close-wait", BIT(TCP_CLOSE_WAIT) },
	{ "last-ack", BIT(TCP_LAST_ACK) }, { "listening", BIT(TCP_LISTEN) },
	{ "closing", BIT(TCP_CLOSING) },
	{ "all", ~0U },
	{ "connected", ~(BIT(TCP_CLOSE) | BIT(TCP_LISTEN)) },
	{ "synchronized", ~(BIT(TCP_CLOSE) | BIT(TCP_LISTEN) | BIT(TCP_SYN_SENT)) },
	{ "bucket", BIT(TCP_SYN_RECV) | BIT(TCP_TIME_WAIT) },
	{ "big", ~(BIT(TCP_SYN_RECV) | BIT(TCP_TIME_WAIT)) },
};

static bool read_states(const struct parser *p, uint32_t *states)
{
	unsigned int i;

	for (i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++) {
		if (!is(p, state_names[i].name))
			continue;
		*states = state_names[i].states;
		return true;
	}
	return false;
}

/* ---- the grammar ---- */

static struct filter *parse_or(struct parser *p);

static struct filter *new_node(enum node_kind kind)
{
	struct filter *f = calloc(1, sizeof(*f));

	if (f)
		f->kind = kind;
	return f;
}

/* Takes an operator if one is there; none means equal. */
static enum compare take_compare(struct parser *p, bool order)
{
	static const struct {
		const char *name;
		enum compare compare;
	} names[] = {
		{ "=", EQUAL }, { "==", EQUAL }, { "eq", EQUAL }, { "!=", NOT_EQUAL },
		{ "ne", NOT_EQUAL }, { "neq", NOT_EQUAL },
		{ "<", LESS }, { "lt", LESS }, { "<=", LESS_OR_EQUAL }, { "le", LESS_OR_EQUAL },
		{ "leq", LESS_OR_EQUAL }, { ">", GREATER }, { "gt", GREATER },
		{ ">=", GREATER_OR_EQUAL }, { "ge", GREATER_OR_EQUAL }, { "geq", GREATER_OR_EQUAL },
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!is(p, names[i].name) || p->token.quoted)
			continue;
		if (!order && names[i].compare > NOT_EQUAL)
			fail(p, "= or !=");
		next(p);
		return names[i].compare;
	}
	return EQUAL;
}

static bool parse_port(struct parser *p, struct filter *f)
{
	f->compare = take_compare(p, true);
	if (read_port(p->token.at, p->token.length, &f->number)) {
		next(p);
		return true;
	}
	fail(p, "a port number (:1883 or 1883)");
	return false;
}

static bool parse_host(struct parser *p, struct filter *f)
{
	static const char expected[] = "a host (10.0.0.0/8, 192.0.2.1:80, [2001:db8::1]:80, :80)";
	char text[80] = "";

	f->compare = take_compare(p, false);
	if (p->token.is_word && p->token.length < sizeof(text))
		memcpy(text, p->token.at, p->token.length);
	if (*text && read_host(text, &f->host)) {
		next(p);
		return true;
	}
	fail(p, expected);
	return false;
}

static bool parse_states(struct parser *p, struct filter *f, bool exclude)
{
	if (!read_states(p, &f->number)) {
		fail(p, "a state (established, close-wait, fin-wait-1, connected, all ...)");
		return false;
	}
	next(p);
	f->compare = exclude ? NOT_EQUAL : EQUAL;
	return true;
}

static bool parse_pid(struct parser *p, struct filter *f)
{
	f->compare = take_compare(p, true);
	if (read_number(p->token.at, p->token.length, UINT32_MAX, &f->number)) {
		next(p);
		return true;
	}
	fail(p, "a process id");
	return false;
}

static bool parse_word(struct parser *p, struct filter *f)
{
	f->compare = take_compare(p, false);
	f->word = take_word(p, "a name");
	return f->word;
}

static struct filter *parse_test(struct parser *p)
{
	static const struct {
		const char *name;
		enum node_kind kind;
	} keys[] = {
		{ "sport", NODE_SPORT }, { "dport", NODE_DPORT }, { "src", NODE_SRC },
		{ "dst", NODE_DST }, { "state", NODE_STATE }, { "exclude", NODE_STATE },
		{ "pid", NODE_PID }, { "netns", NODE_NETNS }, { "comm", NODE_COMM },
		{ "cgroup", NODE_CGROUP }, { "container", NODE_CONTAINER },
		{ "device", NODE_DEVICE },
	};
	const unsigned int count = sizeof(keys) / sizeof(keys[0]);
	bool exclude = is(p, "exclude"), ok;
	struct filter *f;
	unsigned int i;

	for (i = 0; i < count && !is(p, keys[i].name); i++)
		;
	if (i == count || p->token.quoted) {
		fail(p, "sport, dport, src, dst, state, exclude, netns, pid, comm, cgroup, "
			"container, device, not or (");
		return NULL;
	}
	f = new_node(keys[i].kind);
	if (!f)
		return NULL;
	next(p);
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
	if (ok && !p->failed)
		return f;
	filter__free(f);
	return NULL;
}

static struct filter *parse_unary(struct parser *p)
{
	struct filter *f = NULL;

	if (++p->depth > DEPTH_MAX) {
		fail(p, "fewer parentheses");
	} else if (take(p, "not") || take(p, "!")) {
		f = new_node(NODE_NOT);
		if (f)
			f->left = parse_unary(p);
		if (f && !f->left) {
			filter__free(f);
			f = NULL;
		}
	} else if (take(p, "(")) {
		f = parse_or(p);
		if (f && !take(p, ")")) {
			fail(p, "and, or or )");
			filter__free(f);
			f = NULL;
		}
	} else {
		f = parse_test(p);
	}
	p->depth--;
	return f;
}

static struct filter *join(enum node_kind kind, struct filter *left, struct filter *right)
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
	return take(p, "or") || take(p, "|") || take(p, "||");
}

static struct filter *parse_and(struct parser *p)
{
	struct filter *f = parse_unary(p);

	/* Two tests side by side are both meant, as in ss. */
	while (f && p->token.length && !is(p, ")") && !is(p, "or") && !is(p, "|") && !is(p, "||")) {
		if (!take(p, "and") && !take(p, "&"))
			take(p, "&&");
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

struct filter *filter__parse(const char *text, struct filter_error *error)
{
	struct parser p = { .text = text, .token.at = text, .error = error };
	struct filter *f;

	*error = (struct filter_error){ 1, "out of memory" };
	next(&p);
	f = parse_or(&p);
	if (f && p.token.length) {
		fail(&p, "and, or, or the end");
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

/* ---- matching ---- */

static enum truth truth_of(bool b)
{
	return b ? TRUTH_YES : TRUTH_NO;
}

static bool compares(enum compare compare, uint32_t a, uint32_t b)
{
	switch (compare) {
	case EQUAL:
		return a == b;
	case NOT_EQUAL:
		return a != b;
	case LESS:
		return a < b;
	case LESS_OR_EQUAL:
		return a <= b;
	case GREATER:
		return a > b;
	case GREATER_OR_EQUAL:
		return a >= b;
	}
	return false;
}

static bool host_matches(const struct host *h, uint8_t family, const struct endpoint *e)
{
	unsigned int whole = h->prefix / 8, rest = h->prefix % 8;
	struct endpoint end = endpoint__mapped(e, family);

	if (h->port >= 0 && h->port != e->port)
		return false;
	if (memcmp(h->end.address, end.address, whole))
		return false;
	return !rest || !((h->end.address[whole] ^ end.address[whole]) >> (8 - rest));
}

static bool is_number(const char *word)
{
	return word[strspn(word, "0123456789")] == '\0';
}

const char *filter__find_netns(const struct filter *f, bool (*is_wanted)(const char *word))
{
	const char *found = NULL;

	if (f->kind == NODE_NETNS)
		return is_wanted(f->word) ? f->word : NULL;
	if (f->left)
		found = filter__find_netns(f->left, is_wanted);
	if (!found && f->right)
		found = filter__find_netns(f->right, is_wanted);
	return found;
}

static bool netns_matches(const struct filter *f, const struct filter_subject *s, bool *known)
{
	uint64_t cookie;
	uint32_t inode;
	int end = 0;

	if (sscanf(f->word, "inode:%" SCNu32 ",cookie:%" SCNu64 "%n", &inode, &cookie, &end) == 2 &&
	    !f->word[end]) {
		*known = inode != s->netns || s->netns_cookie;
		return inode == s->netns && cookie == s->netns_cookie;
	}
	*known = s->netns_name || is_number(f->word);
	if (read_number(f->word, strlen(f->word), UINT32_MAX, &inode) && inode == s->netns)
		return true;
	return s->netns_name && !fnmatch(f->word, s->netns_name, 0);
}

/* The cgroup itself, or one beneath it. */
static bool cgroup_matches(const char *pattern, const char *cgroup)
{
	size_t length = strlen(pattern);

	return !fnmatch(pattern, cgroup, 0) || (!strncmp(pattern, cgroup, length) &&
						(cgroup[length] == '/' || !strcmp(pattern, "/")));
}

static bool container_matches(const char *pattern, const char *id)
{
	return *id && (!strncmp(pattern, id, strlen(pattern)) || !fnmatch(pattern, id, 0));
}

/* Whether the word of `f` fits, and whether that can be said at all. */
static bool word_matches(const struct filter *f, const struct filter_subject *s, bool *known)
{
	const struct owner *o = s->owner;

	*known = true;
	switch (f->kind) {
	case NODE_NETNS:
		return netns_matches(f, s, known);
	case NODE_DEVICE:
		*known = s->device;
		return s->device && !fnmatch(f->word, s->device, 0);
	case NODE_COMM:
		*known = o;
		return o && !fnmatch(f->word, o->comm, 0);
	case NODE_CGROUP:
		*known = o;
		return o && cgroup_matches(f->word, *o->cgroup ? o->cgroup : "/");
	case NODE_CONTAINER:
		*known = o;
		return o && container_matches(f->word, o->container_id);
	default:
		return false;
	}
}

enum truth filter__matches(const struct filter *f, const struct filter_subject *s)
{
	enum truth left, right;
	bool fits, known;

	switch (f->kind) {
	case NODE_AND:
	case NODE_OR:
		left = filter__matches(f->left, s);
		right = filter__matches(f->right, s);
		return (left < right) == (f->kind == NODE_AND) ? left : right;
	case NODE_NOT:
		return TRUTH_YES - filter__matches(f->left, s);
	case NODE_SPORT:
		return truth_of(compares(f->compare, s->local.port, f->number));
	case NODE_DPORT:
		if (s->of_many_peers)
			return TRUTH_UNKNOWN;
		return truth_of(compares(f->compare, s->peer.port, f->number));
	case NODE_SRC:
		fits = host_matches(&f->host, s->family, &s->local);
		return truth_of(fits == (f->compare == EQUAL));
	case NODE_DST:
		if (s->of_many_peers)
			return TRUTH_UNKNOWN;
		fits = host_matches(&f->host, s->family, &s->peer);
		return truth_of(fits == (f->compare == EQUAL));
	case NODE_STATE:
		if (!s->state)
			return TRUTH_UNKNOWN;
		fits = s->state < 32 && f->number & BIT(s->state);	/* a file may say anything */
		return truth_of(fits == (f->compare == EQUAL));
	case NODE_PID:
		if (!s->owner)
			return TRUTH_UNKNOWN;
		return truth_of(compares(f->compare, s->owner->pid, f->number));
	default:
		fits = word_matches(f, s, &known);
		return known ? truth_of(fits == (f->compare == EQUAL)) : TRUTH_UNKNOWN;
	}
}
