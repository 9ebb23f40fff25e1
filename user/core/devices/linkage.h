/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Record linkage (Fellegi and Sunter, 1969): what the port and the silence of an old connection say
 * about whether a new one from the same address is its device's. How much each says is learned for
 * each address by expectation and maximisation, because NATs and devices choose ports in many ways:
 * each judged pair counts as far as it is believed, and is corrected once the fate of the old
 * connection shows. What is learned of all addresses is where a new one begins.
 */
#ifndef HALFOPEN_CORE_DEVICES_LINKAGE_H
#define HALFOPEN_CORE_DEVICES_LINKAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of an old connection when a new one arrives. */
enum link_state {
	LINK_TWIN,	 /* opened in the same breath: one program wants both */
	LINK_FRESH,	 /* heard within two seconds before */
	LINK_RECENT,	 /* within ten */
	LINK_IDLE,	 /* silent no longer than it was before */
	LINK_UNKNOWN,	 /* no event but its opening, or none */
	LINK_OVERDUE,	 /* silent for longer than ever before */
	LINK_ASKED_ONCE, /* one ask is unanswered for a second or more */
	LINK_ASKED,	 /* several are unanswered */
	LINK_STATES
};

/* Classes of port steps from the old to the new connection; the last: too far to mean anything. */
#define LINK_STEPS 13
/* Of steps from the arrival before: by the power of two. */
#define LINK_MAGNITUDES 17

/* What was learned, in pairs and arrivals, each counted as far as it is believed. */
struct link_counts {
	float arrivals;
	float links;		     /* arrivals that are the device of an open connection */
	float steps[LINK_STEPS];     /* of links */
	float near[LINK_STATES];     /* links that the port shows, and of these ... */
	float twins[LINK_STATES];    /* ... those whose old connection was heard again */
	float observed[LINK_STATES]; /* links, and as many as the first guess expected */
	float expected[LINK_STATES];
	float fates[LINK_STATES];  /* of old connections of pairs that are none, and of these ... */
	float deaths[LINK_STATES]; /* ... those whose peer was gone all the same */
};

/* A pair whose truth is not known yet. */
struct link_pair {
	uint64_t old;	/* cookie */
	uint64_t at_ns; /* arrival of the new connection */
	float belief;
	uint8_t state, step;
	bool near;
};

/* Connections from one address to one port of ours. */
struct link_pool {
	uint64_t key;		    /* arrivals__key(); 0: the place is free */
	uint64_t first_ns, last_ns; /* arrivals */
	uint16_t last_port;
	struct link_counts counts;
	float magnitudes[LINK_MAGNITUDES]; /* steps from one arrival to the next */
	float closings,
		takeovers; /* of silent connections by the program; soon after an arrival, */
	float by_chance;   /* and as many as would be if it did not look at arrivals */
	struct link_pair *pairs;
	uint32_t pair_count, pair_size;
	uint32_t next_pair; /* to be forgotten, where there are too many */
};

/* Addresses of which something is remembered; pairs of each, and of all (10 MiB each). */
#define LINKAGE_POOLS_MAX (1U << 14)
#define LINKAGE_PAIRS_MAX 256
#define LINKAGE_ALL_PAIRS_MAX (1U << 18)

struct linkage {
	struct link_pool *pools;
	size_t size, used;
	size_t pairs; /* that there is room for */
	struct link_counts all;
};

/* What is believed of an address at the moment. */
struct link_view {
	double share;		    /* of arrivals that are links */
	double weight[LINK_STATES]; /* of an old connection in this state, an idle one's being about
				       1 */
	double twin[LINK_STATES]; /* chance that an old connection lives, though it is its device */
	double any_port;	  /* share of links whose port is like anybody's, over chance */
	double step[LINK_STEPS]; /* how much likelier than chance a step is in links, beyond that */
	double ordinary;	 /* how much likelier than chance the new port is in anybody's */
};

/* The pool of this key, which it makes if need be; NULL when memory is short. Valid until the next
 * one is made. */
struct link_pool *linkage__pool(struct linkage *l, uint64_t key, uint64_t now_ns);

/* The same, NULL if there is none. `l` keeps it. */
struct link_pool *linkage__find(const struct linkage *l, uint64_t key);

/* Classes of a step. */
unsigned int linkage__step(uint16_t old_port, uint16_t new_port);

/* Looks at an address before an arrival at `port` counts. `previous`: there was an arrival before,
 * at `last_port`. */
struct link_view linkage__view(const struct linkage *l, const struct link_pool *pool, bool previous,
			       uint16_t last_port, uint16_t port);

/* Of `members` open connections `near` have a port no farther than `within` from the new one,
 * besides the one it may be linked with: the NAT has ports of that kind for anybody. */
void linkage__see_crowding(struct link_view *v, unsigned int members, unsigned int near,
			   unsigned int within);

/* How much likelier the two ports are if one device has both; and is it that which shows a link? */
double linkage__port_weight(const struct link_view *v, uint16_t old_port, uint16_t new_port);
bool linkage__port_shows(double port_weight);

/* The program closed a silent connection; `takeover`: somebody had come in the `window_ns` around
 * it. A broker ends the session that its client's next one replaces. */
void linkage__count_closing(struct link_pool *pool, bool takeover, uint64_t window_ns);

/* Of closings of silent connections, the share that are takeovers, at least; and how much likelier
 * that makes the device of the closed one than chance does, `window_ns` after its arrival, against
 * 1 less that share for closings that looked at no arrival. */
double linkage__takeovers(const struct link_pool *pool);
double linkage__takeover_weight(const struct link_pool *pool, uint64_t window_ns);

/* Arrivals from this address, over the time since the first. */
double linkage__arrivals_per_ns(const struct link_pool *pool, uint64_t now_ns);

/* Of `silent` old connections one was silent while `arrivals` came: how likely it is that its
 * device was not among those, and comes at all. */
double linkage__still_to_come(const struct link_view *v, double arrivals, unsigned int silent);

/* The weight of "none of the known", against connections whose weights by state sum up to
 * `weights`. */
double linkage__none(const struct link_view *v, double weights);

/* Counts an arrival at this port, and that it was a link with a chance of `links`. */
void linkage__count_arrival(struct linkage *l, struct link_pool *pool, uint64_t at_ns,
			    uint16_t port, double links);

/* `members` in this state were there when somebody came; all weights summed up to `sum`. */
void linkage__count_state(struct linkage *l, struct link_pool *pool, enum link_state state,
			  unsigned int members, double sum);

/* Counts a pair as far as it is believed, and remembers it if that is worth it. */
void linkage__count_pair(struct linkage *l, struct link_pool *pool, const struct link_pair *pair);

enum link_fate {
	LINK_HEARD,  /* the old connection was heard at `at_ns` */
	LINK_CLOSED, /* it was closed in order at `at_ns`, by two who were there */
	LINK_DEAD,   /* its peer was found to be gone */
};

/* The fate of a connection of this key is known: what was believed of its pairs is corrected. */
void linkage__resolve(struct linkage *l, uint64_t key, uint64_t cookie, enum link_fate fate,
		      uint64_t at_ns);

void linkage__free(struct linkage *l);

#endif
