// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "connection/outcome.h"
#include "tcp/tcp_states.h"

/* Our own filter's reset comes within this time of the segment that it rejects. */
#define OWN_RESET_NS 5000000ULL

struct ending {
	enum outcome outcome;
	enum found_by found_by;
};

/* Excludes a socket that its program still holds after a shutdown() of its sending half: that
 * program sees the error. */
static bool was_closed_locally(const struct connection *c, const struct ho_event *e)
{
	if (e->error && !(e->flags & HO_F_ORPHAN))
		return false;
	return c->incidents->ended_from == TCP_FIN_WAIT1 ||
	       c->incidents->ended_from == TCP_FIN_WAIT2 ||
	       c->incidents->ended_from == TCP_CLOSING || c->incidents->ended_from == TCP_LAST_ACK;
}

/* Data or a FIN was under way when the retransmission timer gave up. icsk_retransmits also counts
 * those that a local filter dropped, which no tracepoint shows. */
static bool had_data_under_way(const struct connection *c, const struct ho_event *e)
{
	return (c->silence.kinds & (ASK_DATA | ASK_FIN)) || e->retransmits;
}

bool outcome__is_of_keepalive(const struct connection *c, const struct ho_event *e)
{
	if (e->flags & HO_F_IN_KEEPALIVE)
		return e->error;
	return e->error == ETIMEDOUT && c->incidents->reset_sent && e->probes_out && !e->unsent &&
	       !(e->flags & HO_F_ORPHAN) && !had_data_under_way(c, e);
}

static struct ending of_keepalive_timer(const struct ho_event *e)
{
	if (e->user_timeout_ms)
		return (struct ending){ OUTCOME_USER_TIMEOUT, FOUND_BY_USER_TIMEOUT };
	return (struct ending){ OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_KEEPALIVE };
}

/* The peer answers each zero-window probe, and leaves its window closed: the user timeout ends
 * that, though the peer is not gone. */
static bool was_answered_without_window(const struct connection *c, const struct ho_event *e)
{
	return e->unsent && (e->flags & HO_F_ZERO_WINDOW) && !e->retransmits &&
	       !c->silence.asks && !e->probes_out;
}

/* Closed by its program; the peer was gone if the FIN was never acknowledged, or if asks had stayed
 * unanswered before. FIN_WAIT2 means that it was acknowledged. */
static struct ending of_local_close(const struct connection *c, const struct ho_event *e)
{
	struct ending ending = { OUTCOME_CLOSED_LOCALLY, FOUND_BY_NOTHING };
	bool acknowledged = c->incidents->ended_from == TCP_FIN_WAIT2;
	bool gave_up = e->error && !c->incidents->reset_ns && !was_answered_without_window(c, e);

	if (c->incidents->ended_from == TCP_LAST_ACK)
		ending.outcome = OUTCOME_CLOSED_BY_PEER;
	/* In these states a reset does not show whether it answers our FIN, or crossed it. */
	if (!acknowledged && (gave_up || (c->incidents->suspect_at_close &&
					  ending.outcome == OUTCOME_CLOSED_LOCALLY)))
		ending.found_by = FOUND_BY_LOCAL_CLOSE;
	return ending;
}

/* Data that waits behind a closed window, unsent (tcp_probe_timer() probes the window) or sent
 * before it was closed (tcp_retransmit_timer() probes, and does not count:
 * tcp_rtx_probe0_timed_out() decides). */
static bool waited_for_window(const struct connection *c, const struct ho_event *e)
{
	bool closed = e->flags & HO_F_ZERO_WINDOW, asked = c->silence.kinds & ASK_ZERO_WINDOW;

	return e->probes_out && e->unsent ? closed || asked : closed && asked;
}

/* The same timer gives up on data that waits before an open window: this host dropped even its
 * first transmission. */
static bool was_kept_in(const struct ho_event *e)
{
	return e->probes_out && e->unsent;
}

static struct ending of_closed_window(const struct ho_event *e)
{
	if (e->user_timeout_ms)
		return (struct ending){ OUTCOME_USER_TIMEOUT, FOUND_BY_USER_TIMEOUT };
	return (struct ending){ OUTCOME_ZERO_WINDOW_TIMEOUT, FOUND_BY_ZERO_WINDOW };
}

/* tcp_write_err() reports what ICMP left in sk_err_soft, if anything. */
static struct ending of_error(const struct connection *c, const struct ho_event *e)
{
	switch (e->error) {
	case ETIMEDOUT:
		if (e->user_timeout_ms && was_answered_without_window(c, e))
			return (struct ending){ OUTCOME_USER_TIMEOUT, FOUND_BY_NOTHING };
		if (waited_for_window(c, e) && !e->retransmits)
			return of_closed_window(e);
		if (!had_data_under_way(c, e) && !was_kept_in(e))
			break;
		if (e->user_timeout_ms)
			return (struct ending){ OUTCOME_USER_TIMEOUT, FOUND_BY_USER_TIMEOUT };
		return (struct ending){ OUTCOME_RETRANSMIT_TIMEOUT, FOUND_BY_RETRANSMIT };
	case ECONNABORTED:	/* ss -K and other callers of tcp_abort() */
		return (struct ending){ OUTCOME_ABORTED_LOCALLY, FOUND_BY_NOTHING };
	default:
		if (had_data_under_way(c, e) || was_kept_in(e) || waited_for_window(c, e))
			return (struct ending){ OUTCOME_UNREACHABLE, FOUND_BY_UNREACHABLE };
	}
	return (struct ending){ OUTCOME_UNKNOWN, FOUND_BY_NOTHING };
}

/* The peer had closed, and only probes were sent since: if these get no answer any more, or only a
 * reset, it is our program's leaked socket. */
static bool had_said_goodbye(const struct connection *c, const struct ho_event *e)
{
	return c->incidents->half_closed_ns && !(c->silence.kinds & ~ASK_PROBE) &&
	       !e->retransmits && !e->unsent;
}

/* The kernel gave up, but nothing that it sent since the peer was heard left this host; or,
 * configured to send no probe at all, it did not ask. */
static bool was_unasked(const struct connection *c, const struct ho_event *e)
{
	const struct incidents *i = c->incidents;
	const struct deafness *d = &i->deafness;
	bool asked = c->silence.asks && (!d->asks || d->first_ask_after_ns);
	/* a filter of our own may reset what it rejects, within moments */
	bool reset_elsewhere = i->reset_ns && !(i->failed_ns && i->reset_ns >= i->failed_ns &&
						i->reset_ns - i->failed_ns < OWN_RESET_NS);

	if (!e->error || e->error == ECONNABORTED || reset_elsewhere || asked)
		return false;
	return i->failed_in_silence ||
	       (was_kept_in(e) && !(e->flags & HO_F_ZERO_WINDOW)) ||
	       ((e->flags & HO_F_IN_KEEPALIVE) && !e->probes_out && !e->user_timeout_ms &&
		!c->keepalive.probes);
}

static enum found_by of_reset(const struct incidents *i)
{
	if (i->reset_of_probe)
		return FOUND_BY_PROBE;
	return i->reset_of_an_ask ? FOUND_BY_RESET : FOUND_BY_NOTHING;
}

static struct ending name_ending(const struct connection *c, const struct ho_event *e,
				 uint32_t suspect_after)
{
	if (outcome__is_of_keepalive(c, e))
		return of_keepalive_timer(e);
	if (was_closed_locally(c, e))
		return of_local_close(c, e);
	if (c->incidents->reset_ns || e->error == ECONNRESET || e->error == EPIPE)
		return (struct ending){ OUTCOME_RESET_BY_PEER, of_reset(c->incidents) };
	if (e->error)
		return of_error(c, e);
	if (e->flags & HO_F_REPAIR)
		return (struct ending){ OUTCOME_CLOSED_LOCALLY, FOUND_BY_NOTHING };
	/* Straight to CLOSE without an error: unread data, linger 0, disconnect(). */
	return (struct ending){ OUTCOME_ABORTED_LOCALLY,
				silence__unanswered(c) >= suspect_after ? FOUND_BY_LOCAL_CLOSE
									   : FOUND_BY_NOTHING };
}

void outcome__decide(struct connection *c, const struct ho_event *e, uint32_t suspect_after)
{
	struct ending ending = name_ending(c, e, suspect_after);

	if (had_said_goodbye(c, e) && ending.found_by != FOUND_BY_LOCAL_CLOSE)
		ending.found_by = FOUND_BY_NOTHING;
	if (was_unasked(c, e)) {
		ending.found_by = FOUND_BY_NOTHING;
		c->incidents->detail = DETAIL_UNASKED;
	} else if (ending.outcome == OUTCOME_CLOSED_LOCALLY && (e->flags & HO_F_REPAIR)) {
		c->incidents->detail = DETAIL_MOVED;
	} else if (ending.outcome == OUTCOME_ABORTED_LOCALLY && !e->error &&
		   (e->flags & HO_F_LINGER_0)) {
		c->incidents->detail = DETAIL_LINGER_0;
	}
	c->incidents->outcome = ending.outcome;
	c->incidents->found_by = ending.found_by;
	switch (ending.outcome) {
	case OUTCOME_CLOSED_LOCALLY:
	case OUTCOME_CLOSED_BY_PEER:
	case OUTCOME_ABORTED_LOCALLY:
		if (c->incidents->detail == DETAIL_MOVED)
			c->told = true;
		c->told |= ending.found_by != FOUND_BY_NOTHING ||
			   ending.outcome == OUTCOME_ABORTED_LOCALLY;
		silence__end_episode(c, c->incidents->ended_ns, EPISODE_CLOSED);
		break;
	default:
		c->told = true;
		silence__end_episode(c, c->incidents->ended_ns, EPISODE_DIED);
	}
}

enum outcome outcome__now(const struct connection *c, uint32_t suspect_after)
{
	if (connection__ended_ns(c))
		return incidents__of(c)->outcome;
	return silence__unanswered(c) >= suspect_after ? OUTCOME_SUSPECT : OUTCOME_OPEN;
}

uint64_t outcome__declared_ns(const struct connection *c)
{
	const struct incidents *i = incidents__of(c);

	if (i->found_by == FOUND_BY_SUPERSEDED)
		return i->successor->at_ns;
	if (i->found_by == FOUND_BY_LOCAL_CLOSE && i->closed_ns)
		return i->closed_ns;
	if ((i->found_by == FOUND_BY_RESET || i->found_by == FOUND_BY_PROBE) && i->reset_ns)
		return i->reset_ns;
	return i->ended_ns;
}
