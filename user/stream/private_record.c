// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "stream/private_record.h"
#include "stream/record_fields.h"
#include "value/endpoint.h"

/* A pseudonym does not show that an address was mapped: the event's family says IPv4. */
static void unmap(struct ho_event *e)
{
	if (e->family == AF_INET || !endpoint__is_mapped(e->peer))
		return;
	e->family = AF_INET;
	memmove(e->peer, e->peer + 12, 4);
	memset(e->peer + 4, 0, 12);
	memmove(e->local, e->local + 12, 4);
	memset(e->local + 4, 0, 12);
}

/* An IPv4 peer is looked up by the first four bytes of its pseudonym, as by its address. */
static void privacy_identity(const struct privacy *d, struct record *r)
{
	struct endpoint end = { .port = 0 };
	bool ipv4 = endpoint__is_mapped(r->identity.peer);

	privacy__address(d, AF_INET6, r->identity.peer);
	if (!ipv4 || d->kind != PRIVACY_PSEUDONYM)
		return;
	memcpy(end.address, r->identity.peer, 4);
	end = endpoint__mapped(&end, AF_INET);
	memcpy(r->identity.peer, end.address, sizeof(end.address));
}

void privacy__record(const struct privacy *d, struct record *r)
{
	if (d->kind == PRIVACY_NONE || d->done)
		return;
	switch (record_form__of(r->type)->shows) {
	case SHOWS_PEER_OF_EVENT:
		unmap(&r->event);
		privacy__address(d, r->event.family, r->event.peer);
		break;
	case SHOWS_PEER_OF_DEVICE:
		privacy_identity(d, r);
		break;
	case SHOWS_HOW:
		r->meta.peers = privacy__name(d->kind);
		break;
	case SHOWS_PEERS_OF_HELD:
		r->holder.events = NULL;
		break;
	case SHOWS_NO_PEER:
	case SHOWS_UNDECIDED:
		break;
	}
}
