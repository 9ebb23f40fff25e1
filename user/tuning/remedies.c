// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tuning/hold_open.h"
#include "tuning/remedies.h"

/* RFC 1122 (4.2.3.5): at least this long data is sent again before the peer is given up. */
#define USUAL_S 100.0

/* A byte of data, its acknowledgement, the server's byte, its acknowledgement: as the Astra modules
 * do; the period leaves room for a lost one before the mapping is forgotten. */
struct device_heartbeat remedies__heartbeat(const struct evidence *e,
					    const struct setting *keepalive,
					    const struct tariff *tariff)
{
	double empty = prediction__packet_bytes(0, e->ipv6, tariff);
	double with_byte = prediction__packet_bytes(1, e->ipv6, tariff), per_day;
	const struct reports *r = &e->reports;
	struct device_heartbeat h = { 0 };

	if (e->path.reason != IDLE_KNOWN)
		return h;
	h.proposed = true;
	h.period_s = fmax(1, floor(hold_open__room_s(e)));
	h.timeout_s = fmax(5, ceil(late_answers__floor_s(&e->late_answers)));
	per_day = 86400 / h.period_s;
	h.bytes_per_day = per_day * 2 * (with_byte + empty);
	h.probe_bytes_per_day =
		(keepalive ? 86400 / setting__period_s(keepalive) : per_day) * 2 * empty;
	h.reports_known = r->over_s > 0;
	if (h.reports_known && r->segments > 0)
		h.report_bytes_per_day = r->segments / r->over_s * 86400 *
			(prediction__packet_bytes(r->bytes / r->segments, e->ipv6, tariff) + empty);
	return h;
}

/* A user timeout also ends a silence of keepalive, whatever the number of probes. Does it leave as
 * many as would be sent without it, or as many as can be lost? */
static bool leaves_probes(const struct evidence *e, const struct setting *keepalive,
			  double user_timeout_s)
{
	struct setting s;

	if (!e->alike.count)
		return true;	/* it is off */
	if (!keepalive)
		return false;
	s = *keepalive;
	s.user_timeout_s = user_timeout_s;
	return setting__silence_s(&s) >= s.interval_s * fmin(s.probes, PROBES_MIN);
}

/* Both times at their longest. */
static struct unacknowledged slowest(const struct evidence *e)
{
	struct unacknowledged s = { 0 };
	size_t i;

	for (i = 0; i < e->unacknowledged_count; i++) {
		s.first_s = fmax(s.first_s, e->unacknowledged[i].first_s);
		s.rto_s = fmax(s.rto_s, e->unacknowledged[i].rto_s);
		s.rto_max_s = fmax(s.rto_max_s, e->unacknowledged[i].rto_max_s);
	}
	return s;
}

bool remedies__data_timeout(const struct evidence *e, const struct setting *keepalive,
			    double within_s, struct data_timeout *d)
{
	double floor_s = late_answers__floor_s(&e->late_answers);
	struct unacknowledged worst = slowest(e);
	struct retransmission_limits p = { 0 };
	bool ok = true;

	*d = (struct data_timeout){ 0 };
	if (!e->unacknowledged_count)
		return true;
	d->user_timeout_s =
		within_s ? floor(within_s - worst.first_s) : fmax(USUAL_S, ceil(2 * floor_s));
	d->retries = within_s ? retransmission__retries_within(within_s - worst.first_s,
							       worst.rto_s, worst.rto_max_s,
							       e->hz)
			      : retransmission__retries_for(d->user_timeout_s,
							    worst.rto_max_s);
	if (d->user_timeout_s < floor_s || !leaves_probes(e, keepalive, d->user_timeout_s))
		d->user_timeout_s = 0;
	p.retries = d->retries;
	p.rto_max_s = worst.rto_max_s;
	if (d->retries && retransmission__gives_up_after_s(worst.rto_s, &p, e->hz, 0) < floor_s)
		d->retries = 0;
	if (d->retries)
		ok = retransmission__predict(e->unacknowledged, e->unacknowledged_count, &p, e->hz,
					     &d->with_retries);
	p.user_timeout_s = d->user_timeout_s;
	if (ok && d->user_timeout_s)
		ok = retransmission__predict(e->unacknowledged, e->unacknowledged_count, &p, e->hz,
					     &d->with_user_timeout);
	/* Sockets that give up as soon already need no advice. */
	if (d->with_retries.p50_s >= e->unacknowledged_detection.p50_s)
		d->retries = 0;
	if (d->with_user_timeout.p50_s >= e->unacknowledged_detection.p50_s)
		d->user_timeout_s = 0;
	return ok;
}
