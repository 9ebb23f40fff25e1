// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "text/service.h"
#include "value/plain_text.h"
#include "value/program_name.h"

/* Of net.ipv4.ip_local_port_range. */
#define EPHEMERAL 32768
#define NAMES_COLUMNS 96

static bool test_and_set(uint64_t *bits, uint16_t port)
{
	uint64_t bit = 1ULL << port % 64;
	bool was = bits[port / 64] & bit;

	bits[port / 64] |= bit;
	return was;
}

void service_ports__note(struct service_ports *p, uint16_t port)
{
	test_and_set(p->served, port);
}

/* Clients have ephemeral ports, but for those behind a NAT: theirs may be any. A high port that two
 * connections have is a server's. */
static bool is_served(struct service_ports *p, const struct timeline_socket *s)
{
	uint16_t ours = s->local.port;
	bool serves = ours < EPHEMERAL ? ours < s->peer.port : test_and_set(p->met, ours);

	if (serves)
		service_ports__note(p, ours);
	return p->served[ours / 64] & 1ULL << ours % 64;
}

struct story_key service__key(struct service_ports *p, const struct timeline_socket *s)
{
	struct story_key key = { .net_cookie = s->netns.cookie, .netns = s->netns.inode };
	const char *comm = s->owner.known ? program_name__shown(s->owner.comm) : "";

	key.outbound = !is_served(p, s);
	key.port = key.outbound ? s->peer.port : s->local.port;
	memcpy(key.comm, comm, strnlen(comm, sizeof(key.comm)));
	return key;
}

void service__add(struct words *w, const struct story_key *key, const struct timeline_socket *s,
		  unsigned int columns)
{
	struct words names = { 0 };
	char cut[PLAIN_TEXT_SIZE(NAMES_COLUMNS)];

	words__add(&names, "%s",
		   plain_text__name(s->owner.known ? program_name__shown(s->owner.comm) : "-",
				    NAMES_COLUMNS, cut, sizeof(cut)));
	if (*s->netns.name)
		words__add(&names, "@%s", plain_text__name(s->netns.name, NAMES_COLUMNS, cut,
							   sizeof(cut)));
	if (columns > NAMES_COLUMNS)
		columns = NAMES_COLUMNS;
	words__add(w, "%s", plain_text__within(names.text ? names.text : "-", columns, cut,
					       sizeof(cut)));
	words__add(w, key->outbound ? " to :%u" : " :%u", key->port);
	w->failed |= names.failed;
	words__free(&names);
}
