// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"

static bool is_mapped(const uint8_t *address)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(address, prefix, sizeof(prefix));
}

/* fe80::/10 (RFC 4291): the same address may live on each link, so its link belongs to it. */
static bool is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

static bool is_ipv4(const struct connection *c)
{
	return c->family == AF_INET || is_mapped(c->peer.address);
}

const char *address__family(const struct connection *c)
{
	return is_ipv4(c) ? "ipv4" : "ipv6";
}

const char *address__format(const struct connection *c, const struct endpoint *e, char *text)
{
	if (c->family == AF_INET)
		return inet_ntop(AF_INET, e->address, text, ADDRESS_TEXT_SIZE);
	if (is_mapped(e->address))
		return inet_ntop(AF_INET, e->address + 12, text, ADDRESS_TEXT_SIZE);
	inet_ntop(AF_INET6, e->address, text, ADDRESS_TEXT_SIZE);
	if (is_link_local(e->address) && c->bound_if)
		sprintf(text + strlen(text), "%%%u", c->bound_if);
	return text;
}

const char *address__format_with_port(const struct connection *c, const struct endpoint *e,
				      char *text)
{
	char address[ADDRESS_TEXT_SIZE];

	address__format(c, e, address);
	snprintf(text, ADDRESS_TEXT_SIZE, is_ipv4(c) ? "%.46s:%u" : "[%.57s]:%u", address, e->port);
	return text;
}
