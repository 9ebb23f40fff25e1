/* SPDX-License-Identifier: GPL-2.0 */
/* Evidence from many connections together. */
#ifndef HALFOPEN_TUNING_EVIDENCE_H
#define HALFOPEN_TUNING_EVIDENCE_H

#include "exposure/ranking.h"
#include "tcp/retransmission.h"
#include "tuning/alike.h"
#include "tuning/idle_timeout.h"
#include "tuning/late_answers.h"
#include "tuning/prediction.h"
#include "tuning/scopes.h"

/* How often peers disappeared silently, of sockets that are kept alive in some way. */
struct quiet_deaths {
	size_t sockets;			/* of this kind, that something asks */
	double socket_days;
	unsigned int deaths;
};

#define PROGRAMS_TOLD 3

struct evidence {
	size_t sockets, with_keepalive, own_options, options_unknown;
	double socket_hours, watched_hours;
	size_t gaps_survived, gaps_lost, half_open;
	/* Most first; sockets 0: no more. */
	struct program_count without_keepalive[PROGRAMS_TOLD], with_own_options[PROGRAMS_TOLD];
	struct detection detection;	/* upper bounds, for idle sockets */
	struct unacknowledged *unacknowledged;	/* ended by retransmission */
	size_t unacknowledged_count;
	struct detection unacknowledged_detection;
	uint32_t retries2;		/* that these show; 0: none does */
	struct quiet_deaths with_probes, with_heartbeats, with_neither;
	struct late_answers late_answers;		/* of live peers */
	double heartbeat_s;		/* the commonest of the devices' own; 0: none */
	size_t heartbeats;		/* sockets with one */
	struct reports reports;		/* of all sockets whose data was counted */
	bool ipv6, in_container, in_pod;
	struct idle_timeout path;
	/* Most devices have a heartbeat just below it: its designer knew the timer, and gaps that
	 * would have shown otherwise are missing. */
	bool path_was_known;
	/* For predictions: sockets with the same settings today, with keepalive on. */
	struct alike alike;
	unsigned int hz;
};

/* False when memory is short. */
bool evidence__gather(const struct lives *l, const struct scope *s, struct evidence *e);
void evidence__free(struct evidence *e);

#endif
