// SPDX-License-Identifier: GPL-2.0
#include "exposure/exposure.h"
#include "tcp/jiffies.h"
#include "tcp/keepalive.h"
#include "tcp/stamps.h"

bool exposure__never_notices(const struct ho_event *e)
{
	bool fin_waits = (e->flags & HO_F_FIN_QUEUED) &&
			 ((e->flags & HO_F_ORPHAN) || !(e->flags & HO_F_ALL_ACKED));

	return !(e->flags & HO_F_KEEPALIVE) && !fin_waits;
}

uint32_t exposure__last_ask_jiffies(const struct ho_event *e, uint32_t hz)
{
	uint64_t ago_ns = e->mono_ns > e->last_tx_ns ? e->mono_ns - e->last_tx_ns : 0;

	return e->jiffies - ago_ns / jiffies__to_ns(1, hz);
}

uint32_t exposure__asks(const struct ho_event *e, uint32_t hz)
{
	if (e->retransmits)
		return e->retransmits + 1;
	if (e->probes_out &&
	    jiffies__is_before(stamps__heard(e, hz), exposure__last_ask_jiffies(e, hz)))
		return e->probes_out;
	return 0;
}

struct exposure exposure__of(const struct ho_event *e, uint32_t hz, uint32_t suspect_after)
{
	struct keepalive k = keepalive__of(e);

	return (struct exposure){
		.with_keepalive = k.enabled,
		.never_notices = exposure__never_notices(e),
		.suspect = exposure__asks(e, hz) > suspect_after,
		.own_idle = k.enabled && k.idle_from_socket,
		.own_options = k.enabled && k.idle_from_socket && k.interval_from_socket &&
			       k.probes_from_socket,
		.dies_of_one_loss = keepalive__dies_of_one_loss(&k, hz),
	};
}
