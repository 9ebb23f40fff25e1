// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "connection/unwitnessed.h"
#include "tcp/jiffies.h"
#include "tcp/tcp_states.h"

/* tcp_mstamp moves with each segment and timer, the last of which ended the connection; tcp_abort()
 * (`ss -K`) is neither. */
static uint64_t died_ns(const struct connection *c, const struct ho_event *dead)
{
	uint64_t known_ns = c->silence.last_ask_ns > c->last_heard_ns ? c->silence.last_ask_ns
								      : c->last_heard_ns;

	if (dead->error == ECONNABORTED || dead->last_tx_ns < known_ns ||
	    dead->last_tx_ns > dead->mono_ns)
		return dead->mono_ns;
	return dead->last_tx_ns;
}

/* The keepalive timer gives up with nothing under way, the others with something under way. */
static bool may_be_of_keepalive(const struct ho_event *dead)
{
	return dead->error != ECONNRESET && dead->error != EPIPE && dead->error != ECONNABORTED &&
	       dead->probes_out && !dead->retransmits && !dead->unsent &&
	       (dead->flags & HO_F_ALL_ACKED);
}

/* Without an error: was there none, or has its program fetched it? */
static bool closed_in_order(const struct connection *c, const struct ho_event *dead)
{
	return (dead->flags & HO_F_FIN_TAKEN) && !dead->probes_out && !dead->retransmits &&
	       !c->silence.asks;
}

static bool is_closing(uint8_t state)
{
	return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_CLOSING ||
	       state == TCP_LAST_ACK;
}

/* The state before: tcp_done() leaves only the fact that the peer's FIN was taken. */
static uint8_t state_before(const struct connection *c, const struct ho_event *dead)
{
	bool said_goodbye = dead->flags & HO_F_FIN_TAKEN;

	if (is_closing(c->state))
		return c->state;
	if (!dead->error && closed_in_order(c, dead))	/* its program still holds the file */
		return TCP_LAST_ACK;
	return said_goodbye ? TCP_CLOSE_WAIT : c->state ? c->state : TCP_ESTABLISHED;
}

/* Its program has fetched the error; did keepalive give up? By the rule of tcp_keepalive_timer(), whose
 * last expiry tcp_mstamp shows: what sends (an abort of ours) or closes before that is earlier. */
static bool gave_up(const struct connection *c, const struct ho_event *dead, uint32_t hz)
{
	uint64_t jiffy_ns = jiffies__to_ns(1, hz), timeout_ns = dead->user_timeout_ms * 1000000ULL;
	uint64_t due_ns = c->silence.last_ask_ns + jiffies__to_ns(c->keepalive.interval_jiffies, hz);

	if (dead->error || !c->keepalive.enabled || !c->silence.asks ||
	    !may_be_of_keepalive(dead))
		return false;
	if (timeout_ns)
		due_ns = c->last_heard_ns + timeout_ns;
	else if (!c->keepalive.probes || dead->probes_out < c->keepalive.probes)
		return false;
	return dead->last_tx_ns + jiffy_ns >= due_ns;
}

bool unwitnessed__ending(const struct connection *c, const struct ho_event *dead, uint32_t hz,
			 struct ho_event *ending)
{
	bool fetched = gave_up(c, dead, hz);

	if (!dead->error && !fetched && !closed_in_order(c, dead))
		return false;
	*ending = *dead;
	if (fetched)	/* as long as no ICMP message had left another one */
		ending->error = ETIMEDOUT;
	ending->kind = HO_STATE;
	ending->mono_ns = died_ns(c, dead);
	ending->jiffies -= (dead->mono_ns - ending->mono_ns) / jiffies__to_ns(1, hz);
	ending->old_state = state_before(c, dead);
	/* tcp_done() shuts both directions: that is no evidence of a FIN of ours */
	if (!is_closing(ending->old_state))
		ending->flags &= ~HO_F_FIN_QUEUED;
	if (ending->error && may_be_of_keepalive(dead))
		ending->flags |= HO_F_IN_KEEPALIVE;
	return true;
}
