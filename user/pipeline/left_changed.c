// SPDX-License-Identifier: GPL-2.0
#include "pipeline/left_changed.h"
#include "sys/log.h"
#include "value/address.h"

void left_changed__say(const struct timeline_socket *s, const char *option)
{
	char peer[ADDRESS_TEXT_SIZE + 8];

	address__with_port(s->peer.address, s->peer.port, peer);
	if (s->owner.known)
		log_error("%s could not be put back, and stays cleared: %s (process %u), port %u, "
			  "peer %s", option, s->owner.comm, s->owner.pid, s->local.port, peer);
	else
		log_error("%s could not be put back, and stays cleared: port %u, peer %s", option,
			  s->local.port, peer);
}
