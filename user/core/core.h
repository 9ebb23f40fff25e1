/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The engine: records in, history out. It asks nobody anything, neither the clock nor /proc:
 * the same core serves a live watch, a replay, the tests and the fuzzer.
 */
#ifndef HALFOPEN_CORE_CORE_H
#define HALFOPEN_CORE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"
#include "filter.h"
#include "keyed_hash.h"
#include "latency.h"
#include "owner.h"
#include "ranking.h"
#include "record.h"
#include "wallclock.h"

struct core;

/* A socket as told to a reader. Pointers are valid during the call. */
struct subject {
	const struct connection *connection;
	uint64_t number;		/* of the connections that its socket had: from 1 */
	const struct owner *owner;	/* NULL: not known */
	const char *netns_name;		/* "" = has none */
	const struct namespace_sysctl *netns;	/* NULL: not known */
	const char *device;		/* NULL: not known */
};

struct timeline {
	struct subject subject;
	enum outcome outcome;
	bool final;
	uint64_t verified_ns;		/* of one that is open: it was found, or heard of, no earlier
					 * than this; 0: ended */
	uint32_t revision;
	bool half_open;			/* the peer was gone: the rest holds */
	uint64_t declared_ns;
	struct latency_evidence evidence;
	struct latency latency;
};

/* netns 0: the place is free. */
struct namespace_sysctl {
	uint64_t gone_ns;	/* since then another one may have its inode; 0: none has */
	uint64_t unnamed_ns;	/* since then it has no name any more; 0: it has */
	uint32_t netns, idle_s, interval_s, probes;
	uint32_t net_cookie; /* as events have it: the low half, which no other one of this boot
			      * has; 0: not known */
	uint64_t cookie;	/* all of it; 0: not known */
	bool awaited;	/* heard of and not entered yet: its names are not known */
	bool newborn;	/* it was not there when all were looked for: whoever lives there was born
			 * before our eyes */
	char name[65];	/* of `ip netns`, "" = has none */
	char host_name[65];	/* of who lives there, "" = not known */
	uint64_t read_ns, read_before_ns;	/* when passes last entered it; 0: never */
};

struct run {
	uint32_t hz;
	char *version, *gateway, *boot_id, *run_id, *kernel, *peers, *attached;
	uint64_t started_ns;
	bool all;	/* sockets with nothing to tell are told, too */
	uint64_t waiting;	/* handshakes that wait for data (TCP_DEFER_ACCEPT) */
	const struct wallclock *clock;
	const struct namespace_sysctl *namespaces;
	unsigned int namespace_count;
};

struct loss {
	enum loss_reason reason;
	uint64_t count, from_ns, to_ns;
};

/* What a person would want to be told at once, though no socket ended. */
enum change_kind { CHANGE_SUSPECT, CHANGE_RECOVERED, CHANGE_HEARTBEAT };

struct change {
	enum change_kind kind;
	uint64_t at_ns;
	uint64_t silent_ns;	/* since when it was not heard, or had not been */
	uint32_t asks;		/* unanswered */
};

/* Where results go. Any function may be NULL. `start` comes before all others. */
struct core_sink {
	void *context;
	void (*start)(void *context, const struct run *run);
	void (*event)(void *context, const struct subject *s, const struct entry *e);
	void (*change)(void *context, const struct subject *s, const struct change *c);
	void (*timeline)(void *context, const struct timeline *t);
	void (*loss)(void *context, const struct loss *l);
	void (*clock_step)(void *context, uint64_t mono_ns, int64_t step_ns);
	/* Time has passed: what is buffered should be seen now. */
	void (*tick)(void *context, uint64_t mono_ns);
};

struct core_config {
	bool all;		/* tell sockets that have nothing to tell, too */
	bool events;		/* tell each event, fold nothing */
	uint32_t suspect_after;	/* asks unanswered */
	uint64_t every_ns;	/* timelines of open sockets at this interval; 0: never */
	const struct filter *filter;	/* of which sockets to tell; NULL: of all */
	struct keyed_hash hash;	/* a random key; what is told does not depend on it */
	/* Is told of each record that was taken; NULL: nobody. Those of sockets that the filter
	 * keeps out never are; of those that it cannot decide on yet, when it can. In this order
	 * they make a stream that tells the same. */
	void (*taken)(void *context, const struct record *r);
	void *taken_context;
};

struct core_totals {
	uint64_t events, events_lost, endings, half_open;	/* of sockets that are told */
	uint64_t half_open_by[FOUND_BY_COUNT];
	uint64_t longest_blind_ns;	/* upper bound of the longest detection latency */
	uint64_t open, open_without_keepalive, suspect;
	uint64_t namespaces;	/* that sockets live in */
	uint64_t names_forgotten;	/* of peers (RECORD_IDENTITY): there were too many */
};

/* NULL when memory is short. The sink is copied. */
struct core *core__new(const struct core_config *config, const struct core_sink *sink);
void core__free(struct core *core);

/* Takes the next record of the stream. Returns 0, -ENOMEM, or -EBADMSG where this is no stream (it does
 * not begin with RECORD_META), with `*why` a constant sentence. */
int core__feed(struct core *core, const struct record *r, const char **why);

/*
 * For whoever looks through the processes, and would tell a million sockets' owners again: begins a
 * pass, and says of a process that holds a socket what is known. What is remembered of the pass
 * changes nothing that is told.
 */
void core__begin_holders(struct core *core);
enum holder core__found_holder(struct core *core, uint64_t cookie, uint32_t pid, const char *comm);

/* How many sockets are known, how many events came, ... */
struct core_totals core__totals(struct core *core);

/* names_forgotten of these alone, which costs nothing. */
uint64_t core__names_forgotten(const struct core *core);

/* The programs with most sockets that would never notice a dead peer; returns how many, at most
 * `size`. */
unsigned int core__blind_programs(struct core *core, struct program_count *programs,
				  unsigned int size);

/* How far the stream has come; and up to which time everything was told: an ending waits for what
 * follows it. */
uint64_t core__now_ns(const struct core *core);
uint64_t core__told_until_ns(const struct core *core);

/* Name of a reset reason of the kernel that was watched; NULL if it has none. */
const char *core__reset_reason(const struct core *core, uint32_t number);

const struct run *core__run(const struct core *core);

/* Do timelines of open sockets (core_config.every_ns) wait for the next tick? */
bool core__has_more_to_tell(const struct core *core);

#endif
