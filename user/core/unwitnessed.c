// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "jiffies.h"
#include "tcp_states.h"
#include "unwitnessed.h"

/* tcp_mstamp moves with each segment and timer, the last of which ended it; tcp_abort() (`ss -K`) is
 * neither. */
static uint64_t died_ns(const struct connection *c, const struct ho_event *dead)
{
	uint64_t known_ns = c->silence.last_ask_ns > c->last_heard_ns ? c->silence.last_ask_ns
								      : c->last_heard_ns;

	if (dead->error == ECONNABORTED || dead->last_tx_ns < known_ns ||
	    dead->last_tx_ns > dead->mono_ns)
		return dead->mono_ns;
	return dead->last_tx_ns;
}

/* The keepalive timer gives up with nothing under way, the others on something that is. */
static bool is_of_keepalive(const struct ho_event *dead)
{
	return dead->error != ECONNRESET && dead->error != EPIPE && dead->error != ECONNABORTED &&
	       dead->probes_out && !dead->retransmits && !dead->unsent &&
	       (dead->flags & HO_F_ALL_ACKED);
}

bool unwitnessed__ending(const struct connection *c, const struct ho_event *dead, uint32_t hz,
			 struct ho_event *ending)
{
	bool said_goodbye = dead->flags & HO_F_FIN_TAKEN;

	if (!dead->error && !said_goodbye)
		return false;
	*ending = *dead;
	ending->kind = HO_STATE;
	ending->mono_ns = died_ns(c, dead);
	ending->jiffies -= (dead->mono_ns - ending->mono_ns) / jiffies__to_ns(1, hz);
	/* both sides closed it, and its program still holds the file */
	ending->old_state = !dead->error ? TCP_LAST_ACK : c->state ? c->state : TCP_ESTABLISHED;
	if (dead->error && is_of_keepalive(dead))
		ending->flags |= HO_F_IN_KEEPALIVE;
	return true;
}
