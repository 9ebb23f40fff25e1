// SPDX-License-Identifier: GPL-2.0
#include "tcp/jiffies.h"
#include "tcp/stamps.h"

/* Tolerance of two readings of one stamp: a jiffy each, and one for the event's own. */
#define TOLERANCE_JIFFIES 3
/* tcp_mstamp is read before the jiffies are, and a virtual CPU may be taken away in between. */
#define CLOCKS_APART_NS 10000000000ULL

static uint64_t wrap_ns(uint32_t hz)
{
	return jiffies__to_ns(1ULL << 32, hz);
}

static uint64_t before(uint64_t ns, uint64_t ago)
{
	return ns > ago ? ns - ago : 0;
}

/* `ns`, or as many wraps earlier as make it no later than the socket's last segment, and no more
 * than half a wrap later than the peer's last timestamp: each of its segments has one, if any
 * has. */
static uint64_t unwrapped(const struct ho_event *e, uint64_t ns, uint32_t hz)
{
	uint64_t last_ns = e->last_tx_ns + CLOCKS_APART_NS;
	uint64_t timestamp_ns = e->ts_recent_s * 1000000000ULL + wrap_ns(hz) / 2;

	while (ns > wrap_ns(hz) &&
	       ((e->last_tx_ns && ns > last_ns) || (e->ts_recent_s && ns > timestamp_ns)))
		ns -= wrap_ns(hz);
	return ns;
}

uint64_t stamps__earliest(const struct ho_event *e, uint32_t stamp, uint32_t hz)
{
	uint64_t ago = jiffies__to_ns((uint64_t)(uint32_t)(e->jiffies - stamp) + 1, hz);

	return before(e->mono_ns, ago);
}

uint64_t stamps__received_ns(const struct ho_event *e, uint32_t stamp, uint32_t hz)
{
	return unwrapped(e, stamps__earliest(e, stamp, hz), hz);
}

uint64_t stamps__latest(const struct ho_event *e, uint32_t stamp, uint32_t hz)
{
	uint32_t jiffies = e->jiffies - stamp;

	return before(e->mono_ns, jiffies ? jiffies__to_ns(jiffies - 1, hz) : 0);
}

uint32_t stamps__heard(const struct ho_event *e, uint32_t hz)
{
	return stamps__received_ns(e, e->rcv_tstamp_jiffies, hz) <
			       stamps__received_ns(e, e->lrcvtime_jiffies, hz)
		       ? e->lrcvtime_jiffies
		       : e->rcv_tstamp_jiffies;
}

uint64_t stamps__heard_ns(const struct ho_event *e, uint32_t hz)
{
	return stamps__received_ns(e, stamps__heard(e, hz), hz);
}

uint64_t stamps__arrived_ns(const struct ho_event *e, uint32_t hz)
{
	uint64_t heard_ns = stamps__heard_ns(e, hz), answered_ns;

	if (!e->oow_ack_jiffies)
		return heard_ns;
	answered_ns = stamps__received_ns(e, e->oow_ack_jiffies, hz);
	return answered_ns > heard_ns ? answered_ns : heard_ns;
}

bool stamps__wrote_since_heard(const struct ho_event *e, uint32_t hz)
{
	const uint64_t far_ns = 3600000000000ULL;
	uint64_t wrote = stamps__earliest(e, e->chrono_start_jiffies, hz);
	uint64_t heard = stamps__heard_ns(e, hz);

	/* Within a jiffy their order counts; far apart, 32 bits do not show it. */
	if (wrote > heard + far_ns || heard > wrote + far_ns)
		return e->chrono_type && wrote > heard;
	return e->chrono_type &&
	       !jiffies__is_before(e->chrono_start_jiffies, stamps__heard(e, hz));
}

bool stamps__is_echo(uint64_t ns, uint64_t known_ns, uint64_t exact_ns, uint32_t hz)
{
	uint64_t tolerance = jiffies__to_ns(TOLERANCE_JIFFIES, hz) + 2 * exact_ns, rest;

	if (!known_ns || ns < known_ns + wrap_ns(hz) / 2)
		return false;
	rest = (ns - known_ns) % wrap_ns(hz);
	return rest <= tolerance || wrap_ns(hz) - rest <= tolerance;
}
