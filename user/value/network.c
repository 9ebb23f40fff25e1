// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "value/network.h"
#include "value/number.h"

/* The longest is an IPv6 address with an IPv4 one at its end. */
#define ADDRESS_SIZE INET6_ADDRSTRLEN

/* "10.1" stands for 10.1.0.0. */
static bool read_abbreviated(const char *text, uint8_t ipv4[4])
{
	unsigned int part[4] = { 0 };
	int parts;

	parts = sscanf(text, "%3u.%3u.%3u.%3u", &part[0], &part[1], &part[2], &part[3]);
	if (parts < 1 || text[strspn(text, "0123456789.")])
		return false;
	for (parts = 0; parts < 4; parts++) {
		if (part[parts] > 255)
			return false;
		ipv4[parts] = part[parts];
	}
	return true;
}

static bool read_address(const char *text, bool abbreviated, struct endpoint *e, uint8_t *family)
{
	if (endpoint__read_address(text, e->address, family))
		return true;
	*family = AF_INET;
	return abbreviated && read_abbreviated(text, e->address);
}

enum network_error network__read(const char *text, struct network *n)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	uint32_t bits, before;
	struct endpoint e = { .port = 0 };
	char address[ADDRESS_SIZE] = "";
	uint8_t family;

	if (length < sizeof(address))
		snprintf(address, sizeof(address), "%.*s", (int)length, text);
	if (!read_address(address, slash != NULL, &e, &family))
		return NETWORK_ADDRESS_WRONG;
	before = family == AF_INET ? NETWORK_IPV4_BITS : 0;
	bits = 128 - before;
	if (slash && !number__read(slash + 1, strlen(slash + 1), bits, &bits))
		return NETWORK_BITS_WRONG;
	e = endpoint__mapped(&e, family);
	memcpy(n->address, e.address, sizeof(n->address));
	n->bits = before + bits;
	return NETWORK_OK;
}

const char *network__format(const uint8_t address[16], unsigned int bits,
			    char text[NETWORK_TEXT_SIZE])
{
	bool ipv4 = endpoint__is_mapped(address) && bits >= NETWORK_IPV4_BITS;

	if (ipv4)
		inet_ntop(AF_INET, address + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, address, text, INET6_ADDRSTRLEN);
	sprintf(text + strlen(text), "/%u", bits - (ipv4 ? NETWORK_IPV4_BITS : 0));
	return text;
}

bool network__has_host_bits(const struct network *n)
{
	unsigned int bit;

	for (bit = n->bits; bit < 128; bit++)
		if (n->address[bit / 8] & 0x80 >> bit % 8)
			return true;
	return false;
}

bool network__holds(const struct network *n, const uint8_t address[16])
{
	unsigned int whole = n->bits / 8, rest = n->bits % 8;

	if (memcmp(n->address, address, whole))
		return false;
	return !rest || !((n->address[whole] ^ address[whole]) >> (8 - rest));
}
