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

#include "devices/takeovers.h"

/* The state of an old connection when a new one arrives. */
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

/* Ways in which an address gives ports to a device's next connection. */
enum link_ports {
	PORTS_UNLINKED, /* any: the NAT draws them, or numbers its mappings */
	PORTS_COUNTED,	/* the next ones: devices count, and the NAT keeps their ports */
	PORTS_OF_BLOCK, /* of the subscriber's block */
	PORTS_LEARNED,	/* as the pairs that are believed have them */
	LINK_PORTS
};

/* Learned counts of pairs and arrivals, each weighted by its probability. */
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
	float ports[LINK_PORTS];	   /* log-likelihood of each way of giving ports */
	float chances[LINK_PORTS];	   /* of each, by that */
	struct takeovers takeovers;
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
	float ports[LINK_PORTS]; /* how many addresses are believed to give them so */
};

/* The present estimate for an address. */
struct link_view {
	double share;		    /* of arrivals that are links */
	double weight[LINK_STATES]; /* of an old connection in this state, an idle one's being about
				       1 */
	double twin[LINK_STATES]; /* chance that an old connection lives, though it is its device */
	double chance[LINK_PORTS];  /* of each way of giving ports */
	double learned[LINK_STEPS]; /* by the last of them: how much likelier than chance a step is
				     */
	double any_port;	 /* by all of them: share of links whose port is like anybody's, */
	double step[LINK_STEPS]; /* over chance; and how much likelier than that a step is */
	double ordinary;	 /* how much likelier than chance the new port is in anybody's */
};

/* Ports of open connections: how many there are, and how many of them near the new one's. */
#define LINK_CROWDS 3
struct link_crowd {
	unsigned int members, near[LINK_CROWDS];
};

/* The pool of this key, which it makes if need be; NULL when memory is short. Valid until the next
 * one is made. */
struct link_pool *linkage__pool(struct linkage *l, uint64_t key, uint64_t now_ns);

/* The same, NULL if there is none. `l` keeps it. */
struct link_pool *linkage__find(const struct linkage *l, uint64_t key);

/* Classes of a step. */
unsigned int linkage__step(uint16_t old_port, uint16_t new_port);

/* The estimate for an address; NULL: for an unknown one. */
struct link_view linkage__view(const struct linkage *l, const struct link_pool *pool);

/* The arrival before the one at `port` had `last_port`. */
void linkage__see_previous(struct link_view *v, const struct link_pool *pool, uint16_t last_port,
			   uint16_t port);

/* Adds the port of an open connection to those around the new one's; and what the crowd says, the
 * one connection aside that the new one may be linked with: the NAT has ports of that kind for
 * anybody. */
void linkage__count_port(struct link_crowd *crowd, uint16_t old_port, uint16_t new_port);
void linkage__see_crowd(struct link_view *v, const struct link_crowd *crowd);

/* How much likelier the two ports are if one device has both; and is it that which shows a link? */
double linkage__port_weight(const struct link_view *v, uint16_t old_port, uint16_t new_port);
bool linkage__port_shows(double port_weight);

/* Arrivals from this address: over the time since the first; and as many as may come by chance at
 * any time, of which nobody may be known yet (NULL). */
double linkage__arrivals_per_ns(const struct link_pool *pool, uint64_t now_ns);
double linkage__arrivals_by_chance_per_ns(const struct link_pool *pool);

/* Of `silent` old connections one was silent while `arrivals` came: how likely it is that its
 * device was not among those, and comes at all. */
double linkage__still_to_come(const struct link_view *v, double arrivals, unsigned int silent);

/* The weight of "none of the known", against connections whose weights by state sum up to
 * `weights`. */
double linkage__none(const struct link_view *v, double weights);

/* Counts an arrival at this port, and that it was a link with a chance of `links`. */
void linkage__count_arrival(struct linkage *l, struct link_pool *pool, uint64_t at_ns,
			    uint16_t port, double links);

/* The way in which ports are given shows: the weights without ports of those it may be linked with,
 * by their step to the new one, and of none of them. */
void linkage__count_steps(struct linkage *l, struct link_pool *pool, const struct link_view *v,
			  const double weights[LINK_STEPS], double none);

/* The program's reaction shows that a step was a link's, with its probability. */
void linkage__teach_step(struct linkage *l, struct link_pool *pool, const struct link_view *v,
			 unsigned int step, double belief);

/* `members` in this state were open at an arrival; all weights summed up to `sum`. */
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
