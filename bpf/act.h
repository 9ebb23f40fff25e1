/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of act.bpf.c, shared with user space. */
#ifndef HALFOPEN_ACT_H
#define HALFOPEN_ACT_H

#include "event.h"

/* How one pass finds a socket that was not armed yet, in this order. */
enum ho_rearm_kind {
	HO_REARM_ORPHAN,	/* closed by its program: the timer is of FIN_WAIT2, not of
				 * keepalive */
	HO_REARM_WITHOUT,	/* no keepalive */
	HO_REARM_OWN,		/* sets its idle time itself: the sysctl does not reach it */
	HO_REARM_SPECIAL,	/* TCP_USER_TIMEOUT, TCP_REPAIR, MPTCP, the kernel's own, closing */
	HO_REARM_LOCAL,		/* its peer is on this host: under any user's control, and no path
				 * forgets it */
	HO_REARM_ASKING,	/* probing already, or has data under way */
	HO_REARM_SOONER,	/* the present timer expires sooner */
	HO_REARM_DUE,		/* armed anew, or to be armed */
	HO_REARM_KINDS,
};

struct ho_rearm_counts {
	/* of the last pass */
	ho_u64 found[HO_REARM_KINDS];
	ho_u64 found_heard;	/* of those that are due: heard a short time ago */
	ho_u64 undecided;	/* armed and open, and neither answered nor dead yet */
	/* so far */
	ho_u64 armed;
	ho_u64 armed_heard;	/* of them: heard a short time before */
	ho_u64 refused;		/* by the kernel; armed as before */
	ho_u64 answered;	/* heard since */
	ho_u64 answered_silent;	/* of them: not heard a short time before */
	ho_u64 died_alive;	/* heard a short time before, or since */
	ho_u64 died_silent;	/* neither */
	ho_u64 dialled_again;	/* of those that were neither: their peer opened another */
};

#endif
