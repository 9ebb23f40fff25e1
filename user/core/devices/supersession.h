/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Has a device come back on another connection while its old one is still open? Then the old one
 * is half-open, often long before any timer says so. But a client may well hold two connections,
 * and a carrier puts many devices behind one address: so there is first a suspicion, with a
 * confidence, and only asks that stayed unanswered, or an operator who knows the devices, make
 * it a finding.
 */
#ifndef HALFOPEN_CORE_DEVICES_SUPERSESSION_H
#define HALFOPEN_CORE_DEVICES_SUPERSESSION_H

#include "connection/connection.h"
#include "devices/arrivals.h"
#include "devices/linkage.h"
#include "table/table.h"

/* Enough for an outcome. */
#define SUPERSESSION_SURE 0.99
/* Less is not even told. */
#define SUPERSESSION_WORTH 0.3

struct supersession {
	struct arrivals arrivals;
	/* Is whoever came from this port of the same address known to be another device? */
	bool (*is_another)(void *context, const struct arrival *by, uint16_t old_port);
	void *context;
	uint32_t judged; /* number of the youngest arrival looked at */
	struct linkage linkage;
};

typedef void (*suspect_fn)(void *context, uint64_t cookie, const struct arrival *by,
			   double confidence);

/*
 * Looks at the arrivals since the last call: whom of those in the table may each supersede? Tells
 * `fn` of suspicions that are worth it, after the table was walked, so that it may change it.
 * One walk over the table where anybody arrived.
 */
void supersession__judge_arrivals(struct supersession *s, struct table *t, uint64_t now_ns,
				  suspect_fn fn, void *context);

/* Its program closed it, and the FIN is not acknowledged: had somebody come from there just before?
 */
void supersession__note_closing(struct supersession *s, const struct connection *c);

/* A connection that asks proved dead, or that its program closed in vain so far: by whom it was
 * superseded, if by anybody. */
struct finding_of_dead {
	struct connection *connection; /* in */
	bool proven;		       /* in: it is dead; then its successor is no other's */
	struct arrival *by;	       /* out: the likeliest, or NULL */
	double confidence;	       /* out */
};

/*
 * Judges a batch at once, with one walk over the table where any of them could have been
 * superseded. The weight of an arrival is that of the evidence for it (linkage.h), against other
 * arrivals, other silent connections, and that it is none of those known.
 */
void supersession__judge_dead(struct supersession *s, struct table *t, struct finding_of_dead *dead,
			      unsigned int count);

void supersession__free(struct supersession *s);

#endif
