/* SPDX-License-Identifier: GPL-2.0 */
/* One end of a connection, in the bytes of struct ho_event: an IPv4 address in the first four. */
#ifndef HALFOPEN_VALUE_ENDPOINT_H
#define HALFOPEN_VALUE_ENDPOINT_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct endpoint {
	uint8_t address[16];
	uint16_t port;
};

/* `address` has 16 bytes. */
static inline struct endpoint endpoint__of(const uint8_t *address, uint16_t port)
{
	struct endpoint e = { .port = port };

	memcpy(e.address, address, sizeof(e.address));
	return e;
}

/* ::ffff:0:0/96: what an IPv6 socket calls its IPv4 peers (RFC 4291). */
static inline bool endpoint__is_mapped(const uint8_t *address)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(address, prefix, sizeof(prefix));
}

/* The same end with its address in the form that both families share. */
static inline struct endpoint endpoint__mapped(const struct endpoint *e, uint8_t family)
{
	struct endpoint mapped = { .address = { [10] = 0xff, [11] = 0xff }, .port = e->port };

	if (family != AF_INET)
		return *e;
	memcpy(mapped.address + 12, e->address, 4);
	return mapped;
}

/* fe80::/10 (RFC 4291): the same address may live on each link, so its link belongs to it. */
static inline bool endpoint__is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/* An address as inet_pton(3) reads it, in the bytes of struct ho_event, and its family. */
static inline bool endpoint__read_address(const char *text, uint8_t address[16], uint8_t *family)
{
	memset(address, 0, 16);
	*family = AF_INET;
	if (inet_pton(AF_INET, text, address) == 1)
		return true;
	*family = AF_INET6;
	return inet_pton(AF_INET6, text, address) == 1;
}

/* ADDRESS, ADDRESS:PORT or [IPV6]:PORT; an IPv4 address in its mapped form, port 0 where there is
 * none. */
bool endpoint__read(const char *text, struct endpoint *e);

#define ENDPOINT_LINK_SIZE 16	/* IFNAMSIZ */

/* The same, of a link-local address also with its link: as we write it ("[fe80::1%2]:80"), as
 * ss(8) does ("[fe80::1]%veth0:80"), and without a port. `link` is "" where there is none. */
bool endpoint__read_with_link(const char *text, struct endpoint *e, char link[ENDPOINT_LINK_SIZE]);

#endif
