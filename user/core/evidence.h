/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What many lives say together: of a namespace, or of a group of peers behind one port. And how they
 * are grouped.
 */
#ifndef HALFOPEN_CORE_EVIDENCE_H
#define HALFOPEN_CORE_EVIDENCE_H

#include "idle_timeout.h"
#include "life.h"
#include "prediction.h"

/* ---- groups ---- */

/* An operator's name for a network. */
struct named_network {
	uint8_t address[16];	/* IPv4 in its mapped form */
	unsigned int bits;	/* of the mapped form */
	char *name;
};

enum scope_kind { SCOPE_NAMESPACE, SCOPE_GROUP };

/* A namespace of a gateway, or peers of a network on one of our ports. */
struct scope {
	enum scope_kind kind;
	uint32_t gateway, netns;	/* SCOPE_NAMESPACE: texts__of() */
	const char *name;		/* SCOPE_GROUP: the operator's, or NULL */
	const struct named_network *networks;	/* all of his: those of that name are the group's */
	unsigned int network_count;
	uint8_t network[16];		/* SCOPE_GROUP: mapped form; of so many bits, 0: any peer */
	unsigned int bits;
	uint16_t port;
	struct life **lives;		/* into the lives' own */
	size_t count;
};

struct scopes {
	struct scope *all;
	size_t count;
};

/*
 * The namespaces, and then the groups: where an operator named no network that holds a peer, by /24
 * (IPv6: /48) and port, as long as enough peers are in there to say something; what is too thin goes
 * into the /16 (/32), or all of the port's. Sorts the lives. False when memory is short.
 */
bool scopes__make(struct lives *l, const struct named_network *networks, unsigned int network_count,
		  struct scopes *s);
void scopes__free(struct scopes *s);

/* ---- evidence ---- */

/* How often peers went quietly, of sockets that are kept alive in some way. */
struct quiet_deaths {
	double socket_days;
	unsigned int deaths;
};

#define PROGRAMS_TOLD 3

struct program_share {
	const char *comm;	/* "" = not known */
	size_t sockets;
};

struct evidence {
	size_t sockets, with_keepalive, own_options, options_unknown;
	double socket_hours, watched_hours;
	size_t gaps_survived, gaps_lost, half_open;
	struct program_share blind[PROGRAMS_TOLD];	/* without keepalive, most first */
	struct program_share stubborn[PROGRAMS_TOLD];	/* with options of their own */
	size_t stuck;			/* ended by retransmission: unacknowledged data */
	double stuck_p50_s, stuck_max_s;	/* ... noticed after so long at most */
	double detection_p50_s, detection_p95_s, detection_max_s;	/* upper bounds, of the idle */
	struct quiet_deaths with_probes, with_heartbeats, with_neither;
	double *mutes_s;		/* sorted: asks that were answered late */
	size_t mutes;
	double mute_p999_s, slowest_answer_s;
	double heartbeat_s;		/* the commonest of the devices' own; 0: none */
	size_t heartbeats;		/* sockets that have one */
	bool ipv6, in_container, in_pod;
	struct idle_timeout path;
	/* For predictions: sockets that are alike today, and which options they take from sysctl. */
	struct sockets_alike *alike;
	struct follows { bool idle, interval, probes; } *follows;
	size_t alike_count;
	unsigned int hz;
};

/* False when memory is short. */
bool evidence__gather(const struct lives *l, const struct scope *s, struct evidence *e);
void evidence__free(struct evidence *e);

struct patience evidence__patience(const struct evidence *e);

#endif
