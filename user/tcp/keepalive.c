// SPDX-License-Identifier: GPL-2.0
#include "tcp/keepalive.h"
#include "tcp/timer_wheel.h"

struct keepalive keepalive__of(const struct ho_event *e)
{
	return (struct keepalive){
		.enabled = e->flags & HO_F_KEEPALIVE,
		.idle_jiffies = e->sock_idle_jiffies ? e->sock_idle_jiffies : e->net_idle_jiffies,
		.interval_jiffies = e->sock_interval_jiffies ? e->sock_interval_jiffies
							     : e->net_interval_jiffies,
		.probes = e->sock_probes ? e->sock_probes : e->net_probes,
		.user_timeout_ms = e->user_timeout_ms,
		.idle_from_socket = e->sock_idle_jiffies != 0,
		.interval_from_socket = e->sock_interval_jiffies != 0,
		.probes_from_socket = e->sock_probes != 0,
	};
}

bool keepalive__equal(const struct keepalive *a, const struct keepalive *b)
{
	return a->enabled == b->enabled && a->idle_jiffies == b->idle_jiffies &&
	       a->interval_jiffies == b->interval_jiffies && a->probes == b->probes &&
	       a->user_timeout_ms == b->user_timeout_ms &&
	       a->idle_from_socket == b->idle_from_socket &&
	       a->interval_from_socket == b->interval_from_socket &&
	       a->probes_from_socket == b->probes_from_socket;
}

/* Silent time before the first probe: an answered probe re-arms for the interval, so a steady
 * idle socket is probed every max(idle, interval). */
static uint64_t first_probe_jiffies(const struct keepalive *k)
{
	return k->idle_jiffies > k->interval_jiffies ? k->idle_jiffies : k->interval_jiffies;
}

static uint64_t unanswered_probes(const struct keepalive *k, uint32_t hz)
{
	uint64_t first, limit, interval = k->interval_jiffies;

	if (!k->user_timeout_ms)
		return k->probes;
	first = first_probe_jiffies(k);
	/* msecs_to_jiffies() rounds up */
	limit = ((uint64_t)k->user_timeout_ms * hz + 999) / 1000;
	if (limit <= first + interval || !interval)
		return 1;
	return (limit - first + interval - 1) / interval;
}

static uint64_t jiffies_to_ms(uint64_t jiffies, uint32_t hz)
{
	return jiffies * 1000 / hz;
}

uint64_t keepalive__detects_within_ms(const struct keepalive *k, uint32_t hz)
{
	if (!k->enabled)
		return UINT64_MAX;
	return jiffies_to_ms(
		first_probe_jiffies(k) + unanswered_probes(k, hz) * k->interval_jiffies, hz);
}

uint64_t keepalive__detects_within_max_ms(const struct keepalive *k, uint32_t hz)
{
	uint64_t first, probes;

	if (!k->enabled)
		return UINT64_MAX;
	first = first_probe_jiffies(k);
	probes = unanswered_probes(k, hz);
	first += timer_wheel__lateness_jiffies(first);
	return jiffies_to_ms(first + probes * (k->interval_jiffies +
			     timer_wheel__lateness_jiffies(k->interval_jiffies)), hz);
}

bool keepalive__dies_of_one_loss(const struct keepalive *k, uint32_t hz)
{
	return k->enabled && k->interval_jiffies && unanswered_probes(k, hz) == 1;
}
