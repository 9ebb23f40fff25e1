// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "exposure/deadline.h"
#include "tcp/keepalive.h"
#include "tcp/retransmission.h"
#include "tcp/stamps.h"
#include "tcp/tcp_states.h"

/* TCP_RTO_MAX, where the kernel does not show the socket's own. */
#define RTO_MAX_S 120
/* tcp_orphan_retries() of a peer that is not known to be gone. */
#define ORPHAN_RETRIES 8

static double seconds(int64_t jiffies, uint32_t hz)
{
	return jiffies > 0 ? (double)jiffies / hz : 0;
}

/* How many probes the keepalive timer still sends before it gives up, if the first goes `next`
 * jiffies from now and `elapsed` have passed since the peer was heard. */
static uint64_t probes_left(const struct ho_event *e, const struct keepalive *k, uint64_t elapsed,
			    uint64_t next, uint32_t hz)
{
	uint64_t limit = ((uint64_t)k->user_timeout_ms * hz + 999) / 1000, left;

	if (!k->user_timeout_ms)
		return k->probes > e->probes_out ? k->probes - e->probes_out : 0;
	left = limit > elapsed + next && k->interval_jiffies
		       ? (limit - elapsed - next + k->interval_jiffies - 1) / k->interval_jiffies
		       : 0;
	return left || e->probes_out ? left : 1;	/* one has to be out */
}

static struct deadline of_keepalive(const struct ho_row *row, uint32_t hz)
{
	const struct ho_event *e = &row->event;
	struct keepalive k = keepalive__of(e);
	uint64_t elapsed = e->jiffies - stamps__heard(e, hz);
	uint64_t next = row->keepalive_in_jiffies > 0 ? row->keepalive_in_jiffies : 0;

	/* Heard since it was armed: it will be armed anew for what is left. */
	if (elapsed + next < k.idle_jiffies)
		next = k.idle_jiffies - elapsed;
	return (struct deadline){
		.next_ask_s = seconds(next, hz),
		.dies_s = seconds(next + probes_left(e, &k, elapsed, next, hz) * k.interval_jiffies,
				  hz) };
}

static double rto_max_s(const struct ho_event *e, uint32_t hz)
{
	return e->rto_max_jiffies ? seconds(e->rto_max_jiffies, hz) : RTO_MAX_S;
}

/* Data or a FIN is under way: the retransmission timer decides, whatever keepalive's options
 * are. */
static struct deadline of_retransmission(const struct ho_row *row, uint32_t hz, uint32_t retries2)
{
	const struct ho_event *e = &row->event;
	double next_s = seconds(row->write_in_jiffies, hz), gives_up_s;
	struct retransmission_limits limits = {
		.retries = e->flags & HO_F_ORPHAN ? ORPHAN_RETRIES : retries2,
		.user_timeout_s = e->user_timeout_ms / 1e3, .rto_max_s = rto_max_s(e, hz) };
	double rto_s = seconds(e->rto_jiffies, hz) / pow(2, e->retransmits);

	gives_up_s = retransmission__gives_up_after_s(rto_s, &limits, hz, 0);
	if (!e->retransmits)
		gives_up_s += next_s;
	else
		gives_up_s = fmax(next_s, gives_up_s - e->retransmitting_ms / 1e3);
	return (struct deadline){ .next_ask_s = next_s, .dies_s = gives_up_s };
}

/* The peer's window is closed, and what is to be sent waits for it. */
static struct deadline of_zero_window(const struct ho_row *row, uint32_t hz, uint32_t retries2)
{
	const struct ho_event *e = &row->event;
	double next_s = seconds(row->write_in_jiffies, hz), at_s = next_s;
	double interval_s = seconds(e->rto_jiffies, hz), max_s = rto_max_s(e, hz);
	uint32_t limit = e->flags & HO_F_ORPHAN ? ORPHAN_RETRIES : retries2, sent;

	for (sent = 0; sent < limit; sent++) {
		if (sent >= e->probes_out)
			at_s += fmin(interval_s, max_s);
		interval_s = fmin(2 * interval_s, max_s);
	}
	if (e->user_timeout_ms)
		at_s = fmin(at_s, fmax(next_s, e->user_timeout_ms / 1e3 -
						       seconds(e->jiffies - stamps__heard(e, hz),
							       hz)));
	return (struct deadline){ .next_ask_s = next_s, .dies_s = at_s };
}

struct deadline deadline__of(const struct ho_row *row, uint32_t hz, uint32_t retries2)
{
	const struct ho_event *e = &row->event;

	if (row->write_in_jiffies != HO_TIMER_OFF && e->pending == HO_PENDING_PROBE0)
		return of_zero_window(row, hz, retries2);
	if (row->write_in_jiffies != HO_TIMER_OFF)
		return of_retransmission(row, hz, retries2);
	if (row->keepalive_in_jiffies == HO_TIMER_OFF)
		return (struct deadline){ INFINITY, INFINITY };
	if (e->state == TCP_FIN_WAIT2 && (e->flags & HO_F_ORPHAN))
		return (struct deadline){ INFINITY, seconds(row->keepalive_in_jiffies, hz) };
	if (!(e->flags & HO_F_KEEPALIVE))
		return (struct deadline){ INFINITY, INFINITY };
	return of_keepalive(row, hz);
}
