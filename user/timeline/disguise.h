/* SPDX-License-Identifier: GPL-2.0 */
/* How much of a peer's address leaves this process: all of it, its network, or a pseudonym by
 * which the same peer can be known again, but not who it is. */
#ifndef HALFOPEN_TIMELINE_DISGUISE_H
#define HALFOPEN_TIMELINE_DISGUISE_H

#include <stdbool.h>
#include <stdint.h>

enum disguise_kind { DISGUISE_NONE, DISGUISE_PREFIX, DISGUISE_PSEUDONYM };

/* Prefixes that are shown: a provider's smallest announcement, a site (RFC 6177). */
#define DISGUISE_PREFIX_IPV4 24
#define DISGUISE_PREFIX_IPV6 48

#define DISGUISE_KEY_MIN 16
#define DISGUISE_KEY_MAX 64

struct disguise {
	enum disguise_kind kind;
	bool done;	/* a recording already has them so */
	uint8_t key[DISGUISE_KEY_MAX];
	unsigned int key_size;	/* pseudonyms are the same wherever the key is */
};

/* "full", "prefix" or "pseudonym"; false for anything else. */
bool disguise__named(const char *name, enum disguise_kind *kind);
const char *disguise__name(enum disguise_kind kind);

/* Reads the key of pseudonyms from the file `fd`, the caller's; its first DISGUISE_KEY_MAX bytes
 * count. Returns 0, -errno, or -EINVAL where it is shorter than DISGUISE_KEY_MIN. */
int disguise__read_key(struct disguise *d, int fd);

/* A key of this run alone. Returns 0 or -errno. */
int disguise__make_key(struct disguise *d);

/* The address of a peer as it may be shown; an IPv4 address in an IPv6 socket counts as IPv4. */
void disguise__address(const struct disguise *d, uint8_t family, uint8_t address[16]);

/* ... as text, into `text` of ADDRESS_TEXT_SIZE, which it returns: 203.0.113.0/24, ~5d41402abc4b2a76.
 * `bound_if` is the interface that the socket is bound to, or 0: the scope of link-local addresses. */
const char *disguise__format_peer(const struct disguise *d, uint8_t family, uint32_t bound_if,
				  const uint8_t address[16], char *text);

#endif
