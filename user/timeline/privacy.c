// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "timeline/privacy.h"
#include "value/address.h"
#include "value/endpoint.h"

static const char *const names[] = {
	[PRIVACY_NONE] = "full", [PRIVACY_PREFIX] = "prefix",
	[PRIVACY_PSEUDONYM] = "pseudonym",
};

bool privacy__named(const char *name, enum privacy_kind *kind)
{
	for (*kind = PRIVACY_NONE; *kind <= PRIVACY_PSEUDONYM; (*kind)++)
		if (!strcmp(name, names[*kind]))
			return true;
	return false;
}

const char *privacy__name(enum privacy_kind kind)
{
	return names[kind];
}

int privacy__read_key(struct privacy *d, int fd)
{
	ssize_t n = read(fd, d->key, sizeof(d->key));
	int err = n < 0 ? -errno : n < PRIVACY_KEY_MIN ? -EINVAL : 0;

	d->key_size = err ? 0 : n;
	return err;
}

int privacy__make_key(struct privacy *d)
{
	d->key_size = PRIVACY_KEY_MIN;
	return getrandom(d->key, d->key_size, 0) == (ssize_t)d->key_size ? 0 : -errno;
}

static void keep_bits(uint8_t address[16], unsigned int bits)
{
	memset(address + bits / 8, 0, 16 - bits / 8);
}

void privacy__address(const struct privacy *d, uint8_t family, uint8_t address[16])
{
	struct endpoint end = endpoint__of(address, 0);

	if (d->done || d->kind == PRIVACY_NONE)
		return;
	end = endpoint__mapped(&end, family);
	if (d->kind == PRIVACY_PSEUDONYM) {
		crypto_generichash(address, 16, end.address, sizeof(end.address), d->key,
				   d->key_size);
		return;
	}
	if (!endpoint__is_mapped(end.address))
		keep_bits(address, PRIVACY_PREFIX_IPV6);
	else
		keep_bits(address, family == AF_INET ? PRIVACY_PREFIX_IPV4
						     : 96 + PRIVACY_PREFIX_IPV4);
}

/* 64 bits: two of a million peers share one in one of 37 million fleets. */
static const char *format_pseudonym(const uint8_t *address, char *text)
{
	unsigned int i, used = sprintf(text, "~");

	for (i = 0; i < 8; i++)
		used += sprintf(text + used, "%02x", address[i]);
	return text;
}

const char *privacy__format_peer(const struct privacy *d, uint8_t family, uint32_t bound_if,
				 const uint8_t address[16], char *text)
{
	bool ipv4 = family == AF_INET || endpoint__is_mapped(address);
	uint8_t shown[16];

	memcpy(shown, address, sizeof(shown));
	privacy__address(d, family, shown);
	if (d->kind == PRIVACY_PSEUDONYM)
		return format_pseudonym(shown, text);
	address__format(family, d->kind == PRIVACY_NONE ? bound_if : 0, shown, text);
	if (d->kind == PRIVACY_PREFIX)
		sprintf(text + strlen(text), "/%d", ipv4 ? PRIVACY_PREFIX_IPV4
							  : PRIVACY_PREFIX_IPV6);
	return text;
}
