/* SPDX-License-Identifier: GPL-2.0 */
/* A connection is dead, or its program closed it in vain: who of those that came since is its
 * device?
 */
#ifndef HALFOPEN_CORE_DEVICES_FINDINGS_H
#define HALFOPEN_CORE_DEVICES_FINDINGS_H

#include <stdbool.h>

#include "connection/connection.h"
#include "devices/supersession.h"
#include "table/table.h"

struct finding_of_dead {
	struct connection *connection; /* in */
	bool proven;		       /* in: it is dead; then its successor is no other's */
	struct arrival *by;	       /* out: the likeliest, or NULL */
	double confidence;	       /* out */
};

/*
 * Judges a batch at once, with one walk over the table where any of them could have been
 * superseded. The weight of an arrival is that of the evidence for it (linkage.h, takeovers.h),
 * against other arrivals, other silent connections, and that it is none of those known. Of what its
 * program closed and is not proven dead yet, it is learned how the program closes.
 */
void findings__judge(struct supersession *s, struct table *t, struct finding_of_dead *dead,
		     unsigned int count);

#endif
