// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stddef.h>

#include "tuning/parties.h"
#include "tuning/setting.h"

double party__notices_within_s(const struct party *p)
{
	struct setting s = { .idle_s = p->idle_s, .interval_s = p->interval_s, .probes = p->probes,
			     .user_timeout_s = p->user_timeout_s };

	switch (p->kind) {
	case PARTY_STACK:
		return setting__period_s(&s) + setting__silence_s(&s);
	case PARTY_TOTAL:
		return p->enabled ? fmax(p->total_s, p->probes * WIZFI_INTERVAL_MIN_S) : 0;
	case PARTY_PING:
		return p->ping_s + p->timeout_s;
	case PARTY_NAT:
	case PARTY_PLATFORM:
		break;
	}
	return 0;
}

bool party__dies_of_one_loss(const struct party *p)
{
	struct setting s = { .idle_s = p->idle_s, .interval_s = p->interval_s, .probes = p->probes,
			     .user_timeout_s = p->user_timeout_s };

	if (p->kind == PARTY_TOTAL)
		return p->enabled && p->probes == 1;
	return p->kind == PARTY_STACK && setting__silence_s(&s) <= s.interval_s;
}

double party__speaks_every_s(const struct party *p)
{
	switch (p->kind) {
	case PARTY_STACK:
		return fmax(p->idle_s, p->interval_s);
	case PARTY_PING:
		return p->ping_s;
	case PARTY_TOTAL:	/* the time of its first probe is not documented */
	case PARTY_NAT:
	case PARTY_PLATFORM:
		break;
	}
	return 0;
}

const struct party *parties__first_noticing(const struct party *all, unsigned int count)
{
	const struct party *first = NULL;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (party__notices_within_s(&all[i]) > 0 &&
		    (!first || party__notices_within_s(&all[i]) < party__notices_within_s(first)))
			first = &all[i];
	return first;
}

const struct party *parties__first_speaking(const struct party *all, unsigned int count)
{
	const struct party *first = NULL;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (party__speaks_every_s(&all[i]) > 0 &&
		    (!first || party__speaks_every_s(&all[i]) < party__speaks_every_s(first)))
			first = &all[i];
	return first;
}

bool party__may_lose(const struct party *p, double forgets_s, unsigned int *lost)
{
	double probes;

	if (p->kind != PARTY_STACK)
		return false;
	probes = ceil((forgets_s - party__speaks_every_s(p)) / p->interval_s) - 1;
	*lost = probes > 0 ? probes : 0;
	return *lost < p->probes;
}
