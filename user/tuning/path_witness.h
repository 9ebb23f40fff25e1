/* SPDX-License-Identifier: GPL-2.0 */
/* Observations of one connection about its path. Seconds. */
#ifndef HALFOPEN_TUNING_PATH_WITNESS_H
#define HALFOPEN_TUNING_PATH_WITNESS_H

#include <stdbool.h>

#include "tuning/life.h"

struct path_witness {
	const struct life_gap *gaps; /* survived; those that we ended were asks */
	unsigned int gap_count;
	bool probed;	    /* the longest gap ended because our keepalive asked */
	bool lost_to_probe; /* lost_s is when our keepalive asks */
	double lost_s;	    /* after such a silence it was asked, and gone; 0: it was not */
	double back_s;	    /* after such a silence its device was back on another; 0: not */
	double reset_s;	    /* after such a silence an unasked RST came; 0: none */
	double first_s;	    /* from its beginning to the first unanswered ask; 0: none */
	double began_at, heard_at;	/* the connection, and its peer last; since 1970 */
	bool named;	    /* its reconnect would be known: so each of its segments is an answer */
	bool lost_by_itself; /* lost_s is when it was back on another, without an ask */
	double weight;	    /* of its device's vote, 0 to 1 */

	/* Derived. */
	double survived_s;	   /* its longest gap; 0: none */
	double pause_s;		   /* the mean of those that the peer ended; 0: none */
	double idle_s;		   /* all gaps together */
	uint32_t pauses, answered; /* gaps that the peer ended, and that we did */
	unsigned int habit;	   /* of own_pauses.h */
	bool lost_as_usual;	   /* to a probe that others answered as late */
};

#endif
