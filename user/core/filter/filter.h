/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FILTER: the language of ss(8), and a few words of our own.
 *
 *   expr      = and { ("or" | "|" | "||") and }
 *   and       = unary { ["and" | "&" | "&&"] unary }
 *   unary     = ("not" | "!") unary | "(" expr ")" | test
 *   test      = ("sport" | "dport") [compare] port
 *             | ("src" | "dst") [equal] host
 *             | ("state" | "exclude") name
 *             | ("netns" | "comm" | "cgroup" | "container" | "device") [equal] word
 *             | "pid" [compare] number
 *   compare   = "=" "==" "!=" "<" "<=" ">" ">=" or eq ne lt le gt ge; equal: the first three
 *
 * Ports are numbers or names of services, with or without a colon; hosts are ADDRESS[/PREFIX][:PORT], an IPv6 address
 * in brackets where a port follows, or :PORT. Words may be quoted and hold the wildcards of
 * glob(7); a cgroup matches with all that lies beneath it, a container by the beginning of its
 * id, a network namespace by its name, its inode, or inode:N,cookie:N.
 */
#ifndef HALFOPEN_CORE_FILTER_FILTER_H
#define HALFOPEN_CORE_FILTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exposure/owner.h"
#include "value/endpoint.h"

struct filter;

struct filter_error {
	unsigned int column;	/* from 1, in bytes */
	char text[160];		/* what was expected, and what was found */
};

/* The port of a service by its name, of `length` characters; false: there is none of that name. */
typedef bool (*filter_service_fn)(const char *name, size_t length, uint16_t *port);

/* NULL where the text is wrong (`error` says how) or memory is short. `service` may be NULL: ports are
 * numbers then. */
struct filter *filter__parse(const char *text, filter_service_fn service,
			     struct filter_error *error);
void filter__free(struct filter *f);

/* The first word of a test of `netns` that is_wanted; NULL: none. It lives as long as `f`. */
const char *filter__find_netns(const struct filter *f, bool (*is_wanted)(const char *word));

/* Known properties of a socket: a test of an unknown one is neither true nor false. */
struct filter_subject {
	uint8_t family;
	struct endpoint local, peer;
	bool of_many_peers;	/* `peer` is not known: of connections to a listener */
	uint8_t state;			/* 0: not known */
	uint32_t netns;
	uint64_t netns_cookie;		/* 0: not known */
	const char *netns_name;		/* NULL: not known, "": it has none */
	const struct owner *owner;	/* NULL: not known */
	const char *device;		/* NULL: not known */
};

enum truth { TRUTH_NO, TRUTH_UNKNOWN, TRUTH_YES };

/* Kleene's logic: an unknown value decides nothing by itself. */
enum truth filter__matches(const struct filter *f, const struct filter_subject *s);

/* Its tests but those within a negation, in their order: at most `size` into `tests`; returns how
 * many. Each is a filter, and lives as long as `f`. */
unsigned int filter__tests(const struct filter *f, const struct filter **tests, unsigned int size);

/* Could anything pass it, if each test is passed by something where `can` says so? What is negated
 * could. */
bool filter__could_match(const struct filter *f,
			 bool (*can)(void *context, const struct filter *test), void *context);

/* Does one of its tests ask for sockets in this state, among others? What is negated does not. */
bool filter__asks_for_state(const struct filter *f, uint8_t state);

/* Kinds of tests. */
enum filter_asks { FILTER_ASKS_ENDS, FILTER_ASKS_NETNS, FILTER_ASKS_COMM, FILTER_ASKS_PID,
		   FILTER_ASKS_GROUP, FILTER_ASKS_DEVICE };

enum filter_asks filter__asks(const struct filter *test);

/* The word of a test of names; NULL: it is one of numbers, or takes all but that word. */
const char *filter__word(const struct filter *test);

#endif
