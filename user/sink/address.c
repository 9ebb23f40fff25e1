// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"

/* fe80::/10 (RFC 4291): the same address may live on each link, so its link belongs to it. */
static bool is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

const char *address__family(const struct connection *c)
{
	return connection__family(c) == AF_INET || endpoint__is_mapped(c->peer.address) ? "ipv4"
											: "ipv6";
}

const char *address__format(uint8_t family, uint32_t bound_if, const uint8_t address[16],
			    char *text)
{
	if (family == AF_INET)
		return inet_ntop(AF_INET, address, text, ADDRESS_TEXT_SIZE);
	if (endpoint__is_mapped(address))
		return inet_ntop(AF_INET, address + 12, text, ADDRESS_TEXT_SIZE);
	inet_ntop(AF_INET6, address, text, ADDRESS_TEXT_SIZE);
	if (is_link_local(address) && bound_if)
		sprintf(text + strlen(text), "%%%u", bound_if);
	return text;
}

/* 64 bits: of a million peers two have the same once in 37 million fleets. */
static const char *format_pseudonym(const uint8_t *address, char *text)
{
	unsigned int i, used = sprintf(text, "~");

	for (i = 0; i < 8; i++)
		used += sprintf(text + used, "%02x", address[i]);
	return text;
}

const char *address__format_peer(const struct disguise *d, uint8_t family, uint32_t bound_if,
				 const uint8_t address[16], char *text)
{
	bool ipv4 = family == AF_INET || endpoint__is_mapped(address);
	uint8_t shown[16];

	memcpy(shown, address, sizeof(shown));
	disguise__address(d, family, shown);
	if (d->kind == DISGUISE_PSEUDONYM)
		return format_pseudonym(shown, text);
	address__format(family, d->kind == DISGUISE_NONE ? bound_if : 0, shown, text);
	if (d->kind == DISGUISE_PREFIX)
		sprintf(text + strlen(text), "/%d", ipv4 ? DISGUISE_PREFIX_IPV4
							  : DISGUISE_PREFIX_IPV6);
	return text;
}

const char *address__with_port(const char *address, uint16_t port, char *text)
{
	snprintf(text, ADDRESS_TEXT_SIZE, strchr(address, ':') ? "[%.55s]:%u" : "%.57s:%u", address,
		 port);
	return text;
}
