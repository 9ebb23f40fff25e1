// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "core/devices.h"
#include "core/state.h"
#include "core/taken.h"

void devices__record(struct core *core, const struct endpoint *peer, struct known_peer *known)
{
	struct record r = { .type = RECORD_IDENTITY, .mono_ns = core->now_ns };

	if (known->recorded == core->descriptions)
		return;
	known->recorded = core->descriptions;
	r.identity.at_ns = known->at_ns;
	memcpy(r.identity.peer, peer->address, sizeof(r.identity.peer));
	r.identity.port = known->port;
	r.identity.local = known->local;
	r.identity.device = identities__name(&core->identities, known->device);
	taken__pass_on(core, &r);
}

uint32_t devices__number_of(struct core *core, uint8_t family, uint16_t local,
			    const struct endpoint *peer, uint64_t first_seen_ns, bool partial)
{
	struct endpoint mapped = endpoint__mapped(peer, family);
	struct known_peer *known = identities__find(&core->identities, &mapped, local,
						    first_seen_ns, partial);

	if (!known)
		return 0;
	devices__record(core, &mapped, known);
	return known->device;
}

const char *devices__of_connection(struct core *core, const struct connection *c)
{
	uint32_t number = devices__number_of(core, connection__family(c), c->local.port, &c->peer,
					     c->first_seen_ns, c->partial);

	return identities__name(&core->identities, number);
}
