// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <string.h>

#include "value/named_network.h"

#define BLANKS " \t\n"

/* Some systems end lines by "\r\n". */
static void cut_end(char *line)
{
	size_t length = strcspn(line, "\n");

	if (length && line[length - 1] == '\r')
		line[length - 1] = '\0';
}

const char *named_network__read(char *line, struct named_network *n)
{
	char *rest, *cidr, *name;

	cut_end(line);
	cidr = strtok_r(line, BLANKS, &rest);
	name = strtok_r(NULL, BLANKS, &rest);
	n->name = NULL;
	if (!cidr || *cidr == '#')
		return NULL;
	if (!name)
		return "CIDR NAME";
	if (strtok_r(NULL, BLANKS, &rest))
		return "nothing behind CIDR NAME: a NAME has no blanks, a comment its own line";
	if (!strchr(cidr, '/'))
		return "a network (203.0.113.0/24)";
	switch (network__read(cidr, &n->network)) {
	case NETWORK_ADDRESS_WRONG:
		return "an address before the slash";
	case NETWORK_BITS_WRONG:
		return "a number of bits behind the slash";
	case NETWORK_OK:
		break;
	}
	if (network__has_host_bits(&n->network))
		return "no bits set beyond the network's";
	n->name = name;
	return NULL;
}

const char *named_network__of(const uint8_t address[16], const struct named_network *networks,
			      unsigned int count)
{
	const struct named_network *best = NULL;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (network__holds(&networks[i].network, address) &&
		    (!best || networks[i].network.bits > best->network.bits))
			best = &networks[i];
	return best ? best->name : NULL;
}
