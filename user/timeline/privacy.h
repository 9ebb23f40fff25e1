/* SPDX-License-Identifier: GPL-2.0 */
/* Privacy of peers' addresses: shown in full, as their network, or as a pseudonym that is the same
 * for the same peer. */
#ifndef HALFOPEN_TIMELINE_PRIVACY_H
#define HALFOPEN_TIMELINE_PRIVACY_H

#include <stdbool.h>
#include <stdint.h>

enum privacy_kind { PRIVACY_NONE, PRIVACY_PREFIX, PRIVACY_PSEUDONYM };

/* Prefixes that are shown: a provider's smallest announcement, a site (RFC 6177). */
#define PRIVACY_PREFIX_IPV4 24
#define PRIVACY_PREFIX_IPV6 48

#define PRIVACY_KEY_MIN 16
#define PRIVACY_KEY_MAX 64

struct privacy {
	enum privacy_kind kind;
	bool done;	/* a recording has them so already */
	uint8_t key[PRIVACY_KEY_MAX];
	unsigned int key_size;	/* the same key gives the same pseudonyms */
};

/* "full", "prefix" or "pseudonym"; false for anything else. */
bool privacy__named(const char *name, enum privacy_kind *kind);
const char *privacy__name(enum privacy_kind kind);

/* Reads the key of pseudonyms from the file `fd`, the caller's; its first PRIVACY_KEY_MAX bytes
 * count. Returns 0, -errno, or -EINVAL where it is shorter than PRIVACY_KEY_MIN. */
int privacy__read_key(struct privacy *d, int fd);

/* A random key for this run. Returns 0 or -errno. */
int privacy__make_key(struct privacy *d);

/* The address of a peer as it may be shown; an IPv4 address in an IPv6 socket counts as IPv4. */
void privacy__address(const struct privacy *d, uint8_t family, uint8_t address[16]);

/* ... as text, into `text` of ADDRESS_TEXT_SIZE, which it returns: 203.0.113.0/24,
 * ~5d41402abc4b2a76. `bound_if` is the interface that the socket is bound to, or 0: the scope of
 * link-local addresses. */
const char *privacy__format_peer(const struct privacy *d, uint8_t family, uint32_t bound_if,
				  const uint8_t address[16], char *text);

#endif
