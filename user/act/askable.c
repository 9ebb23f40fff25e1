// SPDX-License-Identifier: GPL-2.0
#include "act/askable.h"
#include "tcp/tcp_states.h"

enum askable askable__of(const struct ho_event *e)
{
	if (e->flags & HO_F_ORPHAN)
		return ASKABLE_NO_PROGRAM;
	if (e->flags & HO_F_MPTCP)
		return ASKABLE_MPTCP;
	if (e->flags & HO_F_REPAIR)
		return ASKABLE_IN_REPAIR;
	if (e->state != TCP_ESTABLISHED)
		return ASKABLE_NOT_ESTABLISHED;
	return ASKABLE;
}

enum askable askable__by_row(enum askable why, const struct ho_row *row)
{
	return why == ASKABLE_NO_DESCRIPTOR && row->unaccepted ? ASKABLE_NOT_ACCEPTED : why;
}

const char *askable__why(enum askable a)
{
	static const char *const why[ASKABLE_KINDS] = {
		[ASKABLE] = "",
		[ASKABLE_NOT_ESTABLISHED] = "it is closing: the kernel asks established "
					    "connections alone",
		[ASKABLE_NO_PROGRAM] = "its program has closed it",
		[ASKABLE_MPTCP] = "it belongs to an MPTCP connection",
		[ASKABLE_IN_REPAIR] = "it is in TCP_REPAIR, being moved elsewhere",
		[ASKABLE_NO_DESCRIPTOR] = "no process that can be seen from here has it open",
		[ASKABLE_NOT_PERMITTED] = "its process may not be looked into (ptrace: "
					  "kernel.yama.ptrace_scope, or seccomp)",
		[ASKABLE_MOVED] = "its program closed it, or passed it on, a moment ago",
		[ASKABLE_NET_CLASS] = "its process has another net_cls or net_prio class, which "
				      "the socket would lose",
		[ASKABLE_ASKED_BY_OTHER] = "another process asks it at this moment",
		[ASKABLE_LOCKED] = "its program holds a lock on it (fcntl)",
		[ASKABLE_PASSED_ON] = "its descriptor was passed on: its answer was not seen",
		[ASKABLE_NOT_SENT] = "this host dropped the ask: a filter on output, or no route",
		[ASKABLE_NOT_ACCEPTED] = "its program has not accepted it yet",
	};

	return why[a];
}
