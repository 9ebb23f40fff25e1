// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timeline/names.h"

static const char *name_at(const char *const *names, unsigned int count, unsigned int i)
{
	return i < count && names[i] ? names[i] : "";
}

static bool find_name(const char *const *names, unsigned int count, const char *name,
		      unsigned int *found)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (names[i] && *name && !strcmp(names[i], name)) {
			*found = i;
			return true;
		}
	return false;
}

/* The two look-ups of one table. NOLINTBEGIN(bugprone-macro-parentheses): a type has none. */
#define VOCABULARY(type, table)                                                                  \
	const char *type##__name(enum type value)                                                \
	{                                                                                        \
		return name_at(table, sizeof(table) / sizeof((table)[0]), value);                \
	}                                                                                        \
	bool type##__named(const char *name, enum type *value)                                   \
	{                                                                                        \
		unsigned int found;                                                              \
                                                                                                 \
		if (!find_name(table, sizeof(table) / sizeof((table)[0]), name, &found))         \
			return false;                                                            \
		*value = found;                                                                  \
		return true;                                                                     \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

static const char *const outcomes[OUTCOME_COUNT] = {
	[OUTCOME_OPEN] = "open", [OUTCOME_SUSPECT] = "suspect",
	[OUTCOME_KEEPALIVE_TIMEOUT] = "keepalive_timeout",
	[OUTCOME_USER_TIMEOUT] = "user_timeout",
	[OUTCOME_RETRANSMIT_TIMEOUT] = "retransmit_timeout",
	[OUTCOME_ZERO_WINDOW_TIMEOUT] = "zero_window_timeout",
	[OUTCOME_UNREACHABLE] = "unreachable",
	[OUTCOME_RESET_BY_PEER] = "reset_by_peer",
	[OUTCOME_CLOSED_BY_PEER] = "closed_by_peer",
	[OUTCOME_CLOSED_LOCALLY] = "closed_locally",
	[OUTCOME_ABORTED_LOCALLY] = "aborted_locally",
	[OUTCOME_KILLED] = "killed",
	[OUTCOME_UNKNOWN] = "unknown",
};
VOCABULARY(outcome, outcomes)

static const char *const found_bys[FOUND_BY_COUNT] = {
	[FOUND_BY_NOTHING] = "", [FOUND_BY_KEEPALIVE] = "keepalive",
	[FOUND_BY_USER_TIMEOUT] = "user_timeout", [FOUND_BY_RETRANSMIT] = "retransmit",
	[FOUND_BY_ZERO_WINDOW] = "zero_window", [FOUND_BY_RESET] = "reset",
	[FOUND_BY_UNREACHABLE] = "unreachable", [FOUND_BY_LOCAL_CLOSE] = "local_close",
	[FOUND_BY_SUPERSEDED] = "superseded", [FOUND_BY_PROBE] = "probe",
};
VOCABULARY(found_by, found_bys)

static const char *const details[DETAIL_COUNT] = {
	[DETAIL_NONE] = "", [DETAIL_UNASKED] = "unasked", [DETAIL_MOVED] = "moved",
	[DETAIL_LINGER_0] = "linger_0",
};
VOCABULARY(ending_detail, details)

static const char *const event_kinds[EVENT_COUNT] = {
	[EVENT_SEEN] = "seen", [EVENT_ESTABLISHED] = "established",
	[EVENT_PROBE_SENT] = "probe_sent", [EVENT_PROBE_FAILED] = "probe_failed",
	[EVENT_ANSWERED] = "answered", [EVENT_ANSWERED_RUN] = "answered_run",
	[EVENT_PEER_PROBE] = "peer_probe", [EVENT_RETRANSMIT] = "retransmit",
	[EVENT_OPTION_CHANGE] = "option_change", [EVENT_RESET_SENT] = "reset_sent",
	[EVENT_RESET_RECEIVED] = "reset_received", [EVENT_ERROR] = "error",
	[EVENT_STATE] = "state", [EVENT_LOST] = "lost",
	[EVENT_ZERO_WINDOW_PROBE] = "zero_window_probe", [EVENT_SUPERSEDED] = "superseded",
	[EVENT_HEARTBEAT] = "heartbeat", [EVENT_SEND_FAILED] = "send_failed",
	[EVENT_ANSWER_DROPPED] = "answer_dropped",
};
VOCABULARY(event_kind, event_kinds)

const char *event_kind__words(enum event_kind k)
{
	static const char *const words[EVENT_COUNT] = {
		[EVENT_SEEN] = "seen", [EVENT_ESTABLISHED] = "established",
		[EVENT_PROBE_SENT] = "probe sent", [EVENT_PROBE_FAILED] = "probe failed",
		[EVENT_ANSWERED] = "answered", [EVENT_ANSWERED_RUN] = "answered",
		[EVENT_PEER_PROBE] = "peer's probe", [EVENT_RETRANSMIT] = "retransmission",
		[EVENT_OPTION_CHANGE] = "options changed", [EVENT_RESET_SENT] = "reset sent",
		[EVENT_RESET_RECEIVED] = "reset received", [EVENT_ERROR] = "error",
		[EVENT_STATE] = "state", [EVENT_LOST] = "lost",
		[EVENT_ZERO_WINDOW_PROBE] = "zero-window probe", [EVENT_SUPERSEDED] = "superseded",
		[EVENT_HEARTBEAT] = "heartbeat", [EVENT_SEND_FAILED] = "send failed",
		[EVENT_ANSWER_DROPPED] = "answer dropped by this host",
	};

	return name_at(words, EVENT_COUNT, k);
}

static const char *const send_failures[FAILURE_COUNT] = {
	[FAILURE_DROPPED] = "dropped", [FAILURE_LOCAL_CONGESTION] = "local_congestion",
};
VOCABULARY(send_failure, send_failures)

const char *send_failure__words(enum send_failure f)
{
	static const char *const words[FAILURE_COUNT] = {
		[FAILURE_DROPPED] = "this host dropped it",
		[FAILURE_LOCAL_CONGESTION] = "local congestion",
	};

	return name_at(words, FAILURE_COUNT, f);
}

static const char *const episode_kinds[EPISODE_KIND_COUNT] = {
	[EPISODE_OF_KEEPALIVE] = "keepalive", [EPISODE_OF_RETRANSMIT] = "retransmit",
	[EPISODE_OF_ZERO_WINDOW] = "zero_window", [EPISODE_OF_FIN] = "fin",
	[EPISODE_OF_SEVERAL] = "mixed",
};
VOCABULARY(episode_kind, episode_kinds)

static const char *const episode_ends[EPISODE_END_COUNT] = {
	[EPISODE_OPEN] = "open", [EPISODE_RECOVERED] = "recovered", [EPISODE_DIED] = "died",
	[EPISODE_CLOSED] = "closed",
};
VOCABULARY(episode_end, episode_ends)

static const char *const option_sources[OPTION_SOURCE_COUNT] = {
	[OPTION_FROM_SYSCTL] = "sysctl", [OPTION_FROM_SOCKET] = "socket",
	[OPTION_FROM_POLICY] = "policy",
};
VOCABULARY(option_source, option_sources)

static const char *const loss_reasons[LOSS_REASON_MAX] = {
	[LOSS_RING_FULL] = "ring_full", [LOSS_RECURSION] = "recursion", [LOSS_UNSEEN] = "unseen",
	[LOSS_SENSELESS] = "senseless",
};
VOCABULARY(loss_reason, loss_reasons)

static const char *const socket_faults[SOCKET_FAULTS] = {
	[FAULT_CLOSE_WAIT] = "close_wait", [FAULT_WINDOW_CLOSED] = "window_closed",
	[FAULT_PROBES_OFF] = "probes_off", [FAULT_ADDRESS_GONE] = "address_gone",
	[FAULT_CONNTRACK] = "conntrack", [FAULT_ENDED] = "ended",
};
VOCABULARY(socket_fault, socket_faults)

static const char *const no_owners[NO_OWNER_COUNT] = {
	[HAS_OWNER] = "", [NOT_ACCEPTED] = "not_accepted", [CLOSED_BY_OWNER] = "closed",
	[OWNER_UNSEEN] = "unseen",
};
VOCABULARY(no_owner, no_owners)

const char *loss_reason__words(enum loss_reason r)
{
	static const char *const words[LOSS_REASON_MAX] = {
		[LOSS_RING_FULL] = "ring buffer full", [LOSS_RECURSION] = "recursion",
		[LOSS_UNSEEN] = "the kernel ran no program",
		[LOSS_SENSELESS] = "records that make no sense",
	};

	return name_at(words, LOSS_REASON_MAX, r);
}

const char *errno__name(int error, char number[ERRNO_NUMBER_SIZE])
{
	const char *name = strerrorname_np(error);

	if (!name)
		snprintf(number, ERRNO_NUMBER_SIZE, "%d", error);
	return name ? name : number;
}

/* The kernel's, MAX_ERRNO. */
#define ERRNO_MAX 4095

int errno__named(const char *name)
{
	int error;

	for (error = 1; error <= ERRNO_MAX; error++) {
		const char *known = strerrorname_np(error);

		if (known && !strcmp(known, name))
			return error;
	}
	return strtol(name, NULL, 10);
}
